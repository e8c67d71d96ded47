"""Predicates that conditions are made of: over one CPU's state, and over what programs say of themselves."""

from typing import Any

from actors.machine.state import CpuState, Placement
from protocol.handles import Program


def host_if_set(cpu: CpuState) -> bool:
    """Host mode with interrupts on: wherever host code other than the swap itself may run."""
    return not cpu.in_guest and cpu.interrupt_flag


def host_user(cpu: CpuState, *others: Any) -> bool:
    """Host user mode: the kernel has nothing left to do."""
    del others
    return not cpu.in_guest and cpu.top.ring.cpl > 0


def xfd_err_clear(cpu: CpuState) -> bool:
    """XFD_ERR holds nobody's bit."""
    return cpu.x.xfd_err == 0


def unset(label: Any) -> bool:
    """A label that must never be set, is not."""
    return label is None


def is_set(label: Any) -> bool:
    """A label is set."""
    return bool(label)


def known(label: Any) -> bool:
    """A label has been set, to whatever."""
    return label is not None


def not_false(label: Any) -> bool:
    """A comparison that a program made did not fail."""
    return label is not False


def none_or_zero(label: Any) -> bool:
    """A value that must be zero once it is known."""
    return not label


def xfd_is_cached(cpu: CpuState, xfd_state: int) -> bool:
    """XFD is what the kernel's per-CPU copy says (I2)."""
    return cpu.x.xfd == xfd_state


def exit_while(cpu: CpuState, label: bool | None) -> bool:
    """The CPU has left the guest while the guest's label is set."""
    return not cpu.in_guest and bool(label)


def off_cpu_while(placement: Placement, label: bool | None) -> bool:
    """A thread has been preempted while its guest's label is set."""
    return placement.cpu is None and bool(label)


def runs_on_other(placement: Placement) -> bool:
    """A thread runs on another CPU than the first."""
    return placement.cpu not in {None, 0}


def owned_while(owner: Program | None, label: bool | None, *, whose: str) -> bool:
    """The registers are those of the task `whose` (its name) while a program's label is set."""
    return bool(label) and owner is not None and owner.name == whose
