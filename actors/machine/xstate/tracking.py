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
from actors.machine.xstate.cpu import CpuModel, Tracking
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.registers import XState

Masks = tuple[int, int]
"""Bits that must be set, and bits that may be."""

EVERYTHING = (1 << 63) - 1


def in_use(state: XState, cpu: CpuModel, *, long_mode: bool = True) -> Masks:
    """Return XINUSE as an instruction in this mode finds it; the XMM registers alone decide about bit 1."""
    holding = not_initial(state, long_mode=long_mode)
    return in_use_by(cpu.tracking, state.xinuse, state.xinuse_upper, holding, long_mode=long_mode)


def in_use_by(tracking: Tracking, xinuse: int, xinuse_upper: int, holding: int, *, long_mode: bool) -> Masks:
    """Return what a profile tells of XINUSE, from what is tracked and from the components that are `not_initial`."""
    if tracking == "recorded":
        found = xinuse | xinuse_upper if long_mode else xinuse & ~HI16_ZMM
        return found, found
    if tracking == "by_value":
        found = holding & ~TILEDATA | xinuse & TILEDATA
        return found, found
    return holding, EVERYTHING if long_mode else EVERYTHING & ~HI16_ZMM


def not_initial(state: XState, *, long_mode: bool = True) -> int:
    """Return the components whose registers, as far as the mode reaches them, are not initial."""
    found = state.live
    for number, reached in () if long_mode else COMPATIBLE_BYTES.items():
        content = state.held(number) or b""
        if content[:reached] == ZEROS[len(content[:reached])]:
            found &= ~(1 << number)
    return found


def last_restore(state: XState, operand: Operand, environment: Environment) -> int | None:
    """Return XRSTOR_INFO's XCOMP_BV if its CPL, VMX non-root operation and linear address are this execution's, else None."""
    info = state.xrstor_info
    if info is None or info.address != operand.address:
        return None
    here = info.cpl == environment.cpl and info.non_root == environment.non_root
    return info.xcomp_bv if here else None


def unmodified(restored: int | None, xmodified: int, form: int) -> int:
    """Return the components that a save with the modified optimisation can skip: a recorded CPU skips all of them, any may.

    It applies if all of XRSTOR_INFO matches: what `last_restore` returned has to be the XCOMP_BV that this save stands for, too
    (0 for XSAVEOPT; for XSAVES what it writes, so RFBM has to equal what was restored). SDM volume 1, 13.9 and 13.11.

    The hazard: the match is by address, not by content. If software has changed the area since the XRSTOR, what is skipped
    stays as software left it.
    """
    return EVERYTHING & ~xmodified if restored == form else 0
