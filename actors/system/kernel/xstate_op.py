"""What a routine says of itself while an instruction of the XSAVE family is its next step.

The labels `xsaves` and `xrstors` hold an `XstateOp` from the step before the instruction to the instruction: the very mask that
it is executed with. They cost no step. Follows the arguments of xfd_validate_state() in arch/x86/kernel/fpu/xstate.c.
"""

import functools

import msgspec

from actors.machine.describe import component_names
from actors.system.kernel.data import Fpstate
from actors.system.kernel.mm import UserArea

SAVES, RESTORES = "xsaves", "xrstors"
"""The names of the labels."""

RESETS = "fpstate reset"
"""A label of execve(2): set from fpstate_reset() until TIF_NEED_FPU_LOAD is; the registers are those of the old fpstate."""


class XstateOp(msgspec.Struct, frozen=True, cache_hash=True):
    """A save or a restore: the fpstate that it is checked against, RFBM (mask), and the user memory that it works on, if it does.

    Without a `frame` it works on the fpstate's own area. The name says all that to a reader.
    """

    name: str
    fpstate: Fpstate
    rfbm: int
    frame: UserArea | None = None


@functools.cache
def xstate_op(fpstate: Fpstate, rfbm: int, frame: UserArea | None = None) -> XstateOp:
    """Return the operation, the same one each time."""
    where = fpstate.name if frame is None else frame.name
    return XstateOp(f"{where} {component_names(rfbm)}", fpstate, rfbm, frame)
