"""Extended processor state, as pure functions from one register state to the next, exact to the byte.

Source: Intel SDM volume 1, chapter 13 (XSAVE feature set, 13.14 XFD) and chapter 18 (AMX), volume 2 for each instruction;
what the recorded silicon adds stands beside the rule ("silicon fact N" is N of section 1 of `silicon.md`), and so does what
nobody has verified.

* The CPU: `description` (CPUID leaf 0DH as data, made of `state_component`), `impossible` (what cannot be described),
  `presets` (such data, with their sources), `cpuid`, `cpu` (the choices that the manual leaves). `environment`: what an
  instruction finds besides: privilege, mode, CR0.TS, its memory operand.
* Registers: `components` and `registers` (XState, one logical CPU's). `tracking`: XINUSE and XMODIFIED by profile.
* Memory: `layout` (the two formats), `area` (XSAVE areas as values).
* Instructions: `xcr0` (XSETBV, XGETBV), `msr` (RDMSR, WRMSR; `cet` for its views), `save` (with `save_plan`), `restore` (with
  `header`, `restore_plan` and `contents`), `x87` (that component in memory), `tiles` and `dot_product` (with `tile_config`),
  `vector` (register writes, with `events`), `xfd`, `faults`, `exits` (which of them leave a guest).
* `outcomes`: what each of them returns: registers, memory, a fault, and choices where the manual leaves some.

What the rules rest on. 3,181 lines are of a CPU (Emerald Rapids: no AMX, PKU, XSS or XFD; CPL 3): XSAVE, XSAVEOPT, XSAVEC,
XRSTOR and XGETBV; 256 are in compatibility mode, 176 show the modified optimisation. 1,157 sequences are of an emulator, which
agrees with the manual where it is believed: XSETBV, MSRs, XSAVES, XRSTORS, AMX, PKRU, CET, CPUID. 221 sequences are assertions
of kernel test suites, nearly all about XSETBV and XGETBV. Four of these sequences set XFD. For the rest the manual is the only
witness, and where a rule has few lines or none, its module says so. No line at all has

* #PF of an area; the emulator's areas are all there, and silicon fact 18 was observed without being recorded;
* a TDPBSSD that executes (80 are #UD);
* loads of components 11, 12 and 14, or anything at all in component 14;
* a value of U_CET that is refused, or a shadow-stack pointer that is not canonical;
* an XSAVES that leaves out what was not modified: the CPU's are #GP at CPL 3, the emulator has no such optimisation;
* MPX, PT, PASID, HDC, LBR, HWP or APX state; 48 linear-address bits; an MXCSR_MASK without DAZ; VMX non-root operation.

What is not here: #AC, code and address-size faults, page faults in the middle of a tile, CR0.EM and CR4.OSFXSR, FXSAVE and
FXRSTOR, what is special about PT, UINTR, LBR, HDC and HWP state (`contents`), enclaves, TSX.

May import: `protocol`, `actors.runtime.errors`, msgspec. No actor, no I/O.
"""
