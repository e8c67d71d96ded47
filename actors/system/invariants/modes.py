"""In which mode a CPU is, and where a thread is, while something is so."""

from typing import Any

from actors.machine.state import CpuState, Placement


def host_if_set(cpu: CpuState) -> bool:
    """Host mode with interrupts on: wherever host code other than the swap itself may run."""
    return not cpu.in_guest and cpu.interrupt_flag


def host_user(cpu: CpuState, *others: Any) -> bool:
    """Host user mode: the kernel has nothing left to do."""
    del others
    return not cpu.in_guest and cpu.top.ring.cpl > 0


def exit_while(cpu: CpuState, label: bool | None) -> bool:
    """The CPU has left the guest while the guest's label is set."""
    return not cpu.in_guest and bool(label)


def off_cpu_while(placement: Placement, label: bool | None) -> bool:
    """A thread has been preempted while its guest's label is set."""
    return placement.cpu is None and bool(label)


def runs_on_other(placement: Placement) -> bool:
    """A thread runs on another CPU than the first."""
    return placement.cpu not in {None, 0}
