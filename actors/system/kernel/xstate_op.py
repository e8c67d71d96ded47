"""What a routine says of itself while an instruction of the XSAVE family is its next step, and of a warning that it has hit.

The labels `xsaves` and `xrstors` hold an `XstateOp` from the step before the instruction to the instruction: the very mask that
it is executed with. The label `warning` holds the text of the last WARN() that the program has hit; the kernel goes on after
one. `#NM in the kernel` is set where that exception was taken in kernel mode. Labels cost no step. Follows the arguments of
xfd_validate_state() in arch/x86/kernel/fpu/xstate.c.
"""

import functools

import msgspec

from actors.machine.describe import component_names
from actors.runtime import set_label
from actors.system.kernel.data import Fpstate
from actors.system.kernel.mm import UserArea

SAVES, RESTORES, WARNING, KERNEL_NM_TAKEN = "xsaves", "xrstors", "warning", "#NM in the kernel"
"""The names of the labels."""


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


class Warn(msgspec.Struct, frozen=True):
    """A WARN() of the kernel: where it stands, and what it prints."""

    file: str
    function: str
    text: str = ""

    @property
    def words(self) -> str:
        """What the kernel's log says, but for CPU, process, line and offset."""
        place = f"WARNING: {self.file}, {self.function}()"
        return f"{place}: {self.text}" if self.text else place


IRQ_FPU_USABLE_IN_NMI = Warn("arch/x86/kernel/fpu/core.c", "irq_fpu_usable")
KERNEL_FPU_UNUSABLE = Warn("arch/x86/kernel/fpu/core.c", "kernel_fpu_begin_mask")
KERNEL_NM = Warn("arch/x86/kernel/traps.c", "handle_xfd_event")
CR0_TS_SET = Warn("arch/x86/kernel/traps.c", "exc_device_not_available", "CR0.TS was set")
BAD_FPU_STATE = Warn(
    "arch/x86/mm/extable.c",
    "ex_handler_fprestore",
    "Bad FPU state detected, reinitializing FPU registers.",
)
RESTORE_FAULTED = Warn("arch/x86/include/asm/fpu/internal.h", "copy_kernel_to_xregs")
"""WARN_ON_FPU(err) of the kernel before d5c8028b4788."""

WARNINGS = (
    IRQ_FPU_USABLE_IN_NMI,
    KERNEL_FPU_UNUSABLE,
    KERNEL_NM,
    CR0_TS_SET,
    BAD_FPU_STATE,
    RESTORE_FAULTED,
)
"""All that a routine may hit. xfd_validate_state()'s is decided by a condition: see `invariants.buffers`."""


def warn(found: Warn) -> None:
    """Say that a WARN() was hit; the program goes on."""
    set_label(WARNING, found.words)
