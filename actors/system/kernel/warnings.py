"""The WARN()s of the kernel that its routines here may hit, each with what it prints; and the exception that it dies of.

The label `warning` holds the text of the last one that a program has hit; the kernel goes on after it. `#NM in the kernel` is set
where that exception was taken in kernel mode: its handler still looks at XFD_ERR and CR0.TS. Labels cost no step. Some of them a
kernel has with CONFIG_X86_DEBUG_FPU=y alone (WARN_ON_FPU()).
"""

import msgspec

from actors.runtime import set_label

WARNING, KERNEL_NM_TAKEN = "warning", "#NM in the kernel"
"""The names of the labels."""


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
