"""Which components are in use, and which were modified: the answers of the three profiles.

SDM volume 1, 13.6: XINUSE[i] must be 1 if component i is not initial, and may be 0 or 1 if it is; XMODIFIED[i] must be 1 if the
component was written since the last XRSTOR(S). `in_use` answers by a pair of masks: what must be 1, and what may be; they
differ under `architectural` alone. `unmodified` tells what can be skipped: a recorded CPU skips it, by the manual any may.

What the recorded silicon adds (facts 1 to 8, 12):

* XINUSE follows events. XRSTOR sets XINUSE[i] to XSTATE_BV[i], whatever it loads; any write makes a component in use, also one
  that leaves or writes the initial value. Only VZEROUPPER, VZEROALL and XRSTOR make one not in use again.
* XINUSE[1] is of the XMM registers. XGETBV(1) and the compacted saves add the condition MXCSR != 1F80H themselves.
* In compatibility mode component 7 reads as not in use, and of components 1, 2 and 6 registers 0 to 7 alone count.
* XMODIFIED is exact: XSAVEOPT skips whatever was not written since the matching XRSTOR; also writes that preserve a value
  count.

By value, TILEDATA is an exception: it is in use if a tile was loaded since the tiles were last initialised (FORMAT.md,
section 4). Unknown: how AMX, PKRU and the supervisor components are tracked by silicon.
"""

from actors.machine.xstate.components import COMPATIBLE_BYTES, HI16_ZMM, TILEDATA, ZEROS
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.registers import XrstorInfo, XState

Masks = tuple[int, int]
"""Bits that must be set, and bits that may be."""

EVERYTHING = (1 << 63) - 1


def in_use(state: XState, cpu: CpuModel, *, long_mode: bool = True) -> Masks:
    """Return XINUSE as an instruction in this mode finds it; the XMM registers alone decide about bit 1."""
    if cpu.tracking == "recorded":
        found = state.xinuse | state.xinuse_upper if long_mode else state.xinuse & ~HI16_ZMM
        return found, found
    by_value = not_initial(state, long_mode=long_mode)
    if cpu.tracking == "by_value":
        found = by_value & ~TILEDATA | state.xinuse & TILEDATA
        return found, found
    return by_value, EVERYTHING if long_mode else EVERYTHING & ~HI16_ZMM


def not_initial(state: XState, *, long_mode: bool = True) -> int:
    """Return the components whose registers, as far as the mode reaches them, are not initial."""
    if long_mode:
        return state.live
    found = 0
    for number, content in state.items():
        part = content[: COMPATIBLE_BYTES.get(number, len(content))]
        found |= (part != ZEROS[len(part)]) << number
    return found


def unmodified(state: XState, operand: Operand, environment: Environment, form: int) -> int:
    """Return the components that a save with the modified optimisation can skip: a recorded CPU skips all of them, any may.

    It applies if XRSTOR_INFO matches: CPL, VMX non-root operation, linear address, and the XCOMP_BV that this save stands for
    (0 for XSAVEOPT; for XSAVES what it writes, so RFBM has to equal what was restored). SDM volume 1, 13.9 and 13.11.

    The hazard: the match is by address, not by content. If software has changed the area since the XRSTOR, what is skipped
    stays as software left it.
    """
    info = state.xrstor_info
    if info is None or info.address != operand.address:
        return 0
    here = XrstorInfo(environment.cpl, environment.non_root, info.address, form)
    return EVERYTHING & ~state.xmodified if info == here else 0
