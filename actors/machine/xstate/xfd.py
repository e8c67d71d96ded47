"""Extended feature disable: which instructions raise #NM, and what XFD_ERR then says.

SDM volume 1, 13.14: with XCR0[i] = XFD[i] = 1 an instruction that needs component i does not execute and raises #NM. XFD_ERR
is loaded with the AND of XFD and the components that the instruction needs; the 2021 mail has it accumulate, and a CPU model
can. A #NM from CR0.TS leaves XFD_ERR alone, and hardware never clears it. XFD[i] has no effect while XCR0[i] = 0.

* The AMX instructions that touch tiles need TILECFG and TILEDATA. LDTILECFG and TILERELEASE initialise TILEDATA without needing
  it, STTILECFG does not touch it: none of the three is stopped (`tiles`). The manual says so of XFD[18]. What XFD[17], which no
  CPU enumerates, does to them it does not say; here nothing.
* The save instructions never fault: they act as if XINUSE[i] were 0. XCOMP_BV does not depend on XFD (`save`).
* XRSTOR and XRSTORS fault if they would load component i; where XSTATE_BV[i] = 0 they initialise it, without a fault. An older
  kernel comment has it "stay in or go into init state" instead; traces of real machines show the #NM (`restore`).

Recorded: four sequences of test suites that pass on hardware. XRSTOR of TILEDATA takes #NM, and succeeds once XFD is cleared;
XSAVEC leaves XSTATE_BV[18] clear and sets XCOMP_BV[18]. The suites assert besides, without a line here, that TILELOADD takes
#NM and XFD_ERR then reads 40000H (section 4 of `silicon.md`). All this neither tells loading from accumulating nor says
anything of XSAVE, XSAVEOPT, XSAVES and XRSTORS under XFD. The emulator has no XFD: RDMSR and WRMSR of both MSRs are #GP there.

Not verified on silicon: that the #NM of CR0.TS comes first, as it does here; the order of this #NM against the #UD, #GP and #PF
of the same instruction (here they come first, but for #GP from a value that would be loaded, under `architectural` too), and
whether XGETBV(1) shows a component that XFD disables (here it does; under `architectural` it may).
"""

import msgspec

from actors.machine.xstate.components import bits
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.faults import not_available
from actors.machine.xstate.outcomes import Result
from actors.machine.xstate.registers import XState


def disabled(state: XState, needed: int) -> int:
    """Return those of the needed components that XFD disables; nonzero means #NM."""
    return needed & state.xfd & state.xcr0


def armed(state: XState, needed: int, cpu: CpuModel) -> XState:
    """Return the state after an XFD-#NM: XFD_ERR loaded, or added to where the model accumulates."""
    found = disabled(state, needed)
    before = state.xfd_err if cpu.xfd_err == "accumulate" else 0
    return msgspec.structs.replace(state, xfd_err=before | found)


def device_not_available(state: XState, needed: int, cpu: CpuModel) -> Result | None:
    """Return the #NM of an instruction that needs these components, or None if XFD lets it execute."""
    found = disabled(state, needed)
    if not found:
        return None
    which = ", ".join(str(component) for component in bits(found))
    return Result(armed(state, needed, cpu), fault=not_available(f"XFD disables component {which}"))
