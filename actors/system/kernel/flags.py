"""The flags of a task: thread_info.flags and task_struct.flags, in one cell; and whether its signal is pending or blocked.

Linux keeps them in two words. PF_KTHREAD never changes and PF_EXITING is set by its own task, so reading both words at once
tells no two orders of events apart that differ otherwise. Bits are set and cleared by locked instructions, as set_thread_flag()
and clear_thread_flag() do it. There is one signal. What is done to `pending` and `blocked` is done under siglock, which whoever
changes them or recalculates TIF_SIGPENDING holds, so each such section is one step.
"""

from enum import IntFlag
from typing import Any

import msgspec

from actors.runtime import Outcome, Outcomes, Program, Values, Variable
from actors.runtime.devices.variable import FetchAnd, FetchOr, Load

__plumbing__ = True


class Flags(IntFlag):
    """TIF_ bits of thread_info.flags (arch/x86/include/asm/thread_info.h), PF_ bits of task_struct.flags, and the signal's."""

    TIF_SIGPENDING = 1 << 2
    TIF_NEED_RESCHED = 1 << 3
    TIF_NEED_FPU_LOAD = 1 << 14
    PF_EXITING = 1 << 32
    PF_KTHREAD = 1 << 33
    PENDING = 1 << 34
    BLOCKED = 1 << 35


NONE = Flags(0)
ALL = Flags(sum(Flags))


class SendSignal(msgspec.Struct, frozen=True):
    """send_signal_locked(): the signal is pending, and if it is not blocked the task is told."""


class Dequeue(msgspec.Struct, frozen=True):
    """dequeue_signal() of get_signal(): the signal is not pending any more."""


class SetBlocked(msgspec.Struct, frozen=True):
    """set_current_blocked(): block the signal, or let it through, and recalculate TIF_SIGPENDING."""

    blocked: bool


SIGNALLING = SendSignal | Dequeue | SetBlocked


class ThreadFlags(Variable[Flags], frozen=True):
    """The flags of one task, as a memory location."""

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """What is done under siglock, and all that a memory location can do."""
        if not isinstance(message, SIGNALLING):
            return super().handle(sender, message, values)
        return (Outcome(None, ((self.cell, _signalled(values[self.cell], message)),)),)

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
            case SendSignal():
                return f"send a signal to {whose}"
            case Dequeue():
                return f"dequeue the signal of {whose}"
            case SetBlocked(blocked=blocked):
                return f"{'block' if blocked else 'unblock'} signals of {whose}"
        return super().describe(message)


def _signalled(flags: Flags, message: SIGNALLING) -> Flags:
    """Return the flags behind a section under siglock: TIF_SIGPENDING says that the signal is pending and not blocked."""
    match message:
        case SendSignal():
            after = flags | Flags.PENDING
        case Dequeue():
            after = flags & (ALL ^ Flags.PENDING)
        case SetBlocked(blocked=True):
            after = flags | Flags.BLOCKED
        case _:
            after = flags & (ALL ^ Flags.BLOCKED)
    told = after & Flags.PENDING and not after & Flags.BLOCKED
    return after | Flags.TIF_SIGPENDING if told else after & (ALL ^ Flags.TIF_SIGPENDING)
