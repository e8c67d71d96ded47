"""Extended processor state, as pure functions from one register state to the next, exact to the byte.

Source: Intel SDM volume 1, chapter 13 (XSAVE feature set, 13.14 XFD) and chapter 18 (AMX), volume 2 for each instruction;
what the recorded silicon adds stands beside the rule ("silicon fact N" is N of section 1 of `silicon.md`), and so does what
nobody has verified.

* The CPU: `description` (CPUID leaf 0DH as data), `presets` (such data, with their sources), `cpuid`, `cpu` (the choices
  that the manual leaves). `environment`: what an instruction finds besides: privilege, mode, CR0.TS, its memory operand.
* Registers: `components` and `registers` (XState, one logical CPU's). `tracking`: XINUSE and XMODIFIED by profile.
* Memory: `layout` (the two formats), `area` (XSAVE areas as values).
* Instructions: `xcr0` (XSETBV, XGETBV), `msr` (RDMSR, WRMSR; `cet` for its views), `save`, `restore` (with `header`,
  `restore_plan` and `contents`), `x87` (that component in memory), `tiles` and `dot_product` (with `tile_config`), `vector`
  (register writes, with `events`), `xfd`, `faults`, `exits` (which of them leave a guest).
* `outcomes`: what each of them returns: registers, memory, a fault, and choices where the manual leaves some.

What is not here: #AC, code and address-size faults, page faults in the middle of a tile, CR0.EM and CR4.OSFXSR, FXSAVE and
FXRSTOR, the side effects of loading PT, LBR, UINTR, HDC and HWP state, TSX, SGX.

May import: `protocol`, `actors.runtime.errors`, msgspec. No actor, no I/O.
"""
