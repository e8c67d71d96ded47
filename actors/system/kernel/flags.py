"""The flags of a task: thread_info.flags and task_struct.flags, in one cell.

Linux keeps them in two words. PF_KTHREAD never changes and PF_EXITING is set by its own task, so reading both words at once
tells no two orders of events apart that differ otherwise. Bits are set and cleared by locked instructions, as set_thread_flag()
and clear_thread_flag() do it.
"""

from enum import IntFlag
from typing import Any

from actors.runtime import Variable
from actors.runtime.devices.variable import FetchAnd, FetchOr, Load

__plumbing__ = True


class Flags(IntFlag):
    """TIF_ bits of thread_info.flags (arch/x86/include/asm/thread_info.h), and PF_ bits of task_struct.flags."""

    TIF_SIGPENDING = 1 << 2
    TIF_NEED_RESCHED = 1 << 3
    TIF_NEED_FPU_LOAD = 1 << 14
    PF_EXITING = 1 << 32
    PF_KTHREAD = 1 << 33


NONE = Flags(0)
ALL = Flags(sum(Flags))


class ThreadFlags(Variable[Flags], frozen=True):
    """The flags of one task, as a memory location."""

    def describe(self, message: Any) -> str:
        """`set TIF_NEED_FPU_LOAD of task`, `clear ...`, `read the flags of task`."""
        whose = self.name.removesuffix("->flags")
        match message:
            case FetchOr(mask=mask):
                return f"set {mask.name} of {whose}"
            case FetchAnd(mask=mask):
                return f"clear {(ALL ^ mask).name} of {whose}"
            case Load():
                return f"read the flags of {whose}"
        return super().describe(message)
