"""I1 and I2: XFD_ERR is nobody's wherever a task can be preempted, and the kernel's copy of XFD is XFD."""

from collections.abc import Iterator
from typing import Any

from actors.machine.state import CpuState
from actors.system.invariants.modes import host_if_set
from actors.system.invariants.stable import preemptible, stable
from actors.system.invariants.subject import Check, Subject


def xfd_err_clear(cpu: CpuState, *others: Any) -> bool:
    """XFD_ERR holds nobody's bit."""
    del others
    return cpu.x.xfd_err == 0


def xfd_is_cached(cpu: CpuState, xfd_state: int, *others: Any) -> bool:
    """XFD is what the kernel's per-CPU copy says."""
    del others
    return cpu.x.xfd == xfd_state


def i1(subject: Subject) -> Iterator[Check]:
    """I1: XFD_ERR is 0 in host user mode and in the preemptible kernel.

    Between #NM and the WRMSR that clears it interrupts are off, so these two points leave the handler out. A hard interrupt
    may find a guest's bit there, which does no harm.
    """
    for cpu in range(subject.cpus):
        yield Check(
            f"I1: XFD_ERR is clear{subject.where(cpu)}",
            xfd_err_clear,
            subject.of(cpu, "preempt_count"),
            at=preemptible,
        )


def i1s(subject: Subject) -> Iterator[Check]:
    """I1s, the 2021 mail's: XFD_ERR is 0 on the host wherever interrupts are on."""
    for cpu in range(subject.cpus):
        yield Check(
            f"I1s: XFD_ERR is clear with IF=1{subject.where(cpu)}",
            xfd_err_clear,
            subject.of(cpu),
            at=host_if_set,
        )


def i2(subject: Subject) -> Iterator[Check]:
    """I2: xfd_state is XFD at stable points of the host; a guest may write XFD unseen, until it is left."""
    for cpu in range(subject.cpus):
        yield Check(
            f"I2: xfd_state is XFD{subject.where(cpu)}",
            _cached,
            subject.of(cpu, "preempt_count", "in_kernel_fpu", "xfd_state"),
            at=_host_stable,
        )


def _cached(cpu: CpuState, preempt_count: int, in_kernel_fpu: bool, xfd_state: int) -> bool:
    del preempt_count, in_kernel_fpu
    return xfd_is_cached(cpu, xfd_state)


def _host_stable(cpu: CpuState, preempt_count: int, in_kernel_fpu: bool, *others: Any) -> bool:
    return not cpu.in_guest and stable(cpu, preempt_count, in_kernel_fpu, *others)
