"""Stable points: where code other than a routine itself may look at what the routine changes.

In user or guest mode; in the host kernel where a task could be preempted; at the entry of a softirq or of a hard interrupt that
may use the FPU. Inside fpregs_lock(), with interrupts off or in a context switch, correct code breaks most invariants for a step
or two: xfd_set_state() writes the MSR before its copy, fpu_idle_fpregs() releases the tiles before owner = NULL. A checker that
reports those is wrong.

A hard interrupt is on top of its CPU from its delivery on; its field of preempt_count is counted a step later, so the frame is
looked at as well. Whether a handler may use the FPU is irq_fpu_usable(): if not, kernel_fpu_begin() or fpregs_lock() is what it
interrupted. In a softirq and in a handler this holds at the entry and for as long as neither uses the FPU itself, and there all
is in order too. Follows include/linux/preempt.h and arch/x86/kernel/fpu/core.c.

There is one window in 6.12 that no lock closes: execve(2) points to the default fpstate before it gives the registers up
(fpu_flush_thread()). A label of the task marks it, `xstate_op.RESETS`, and I3 and I6 ask nothing of that task meanwhile; the
kernel's own warning they leave to it: xfd_validate_state is hit there.
"""

from typing import Any

from actors.machine.state import CpuState, Kind
from actors.system.kernel.preempt_count import BH_DISABLED, SOFTIRQ_MASK, SOFTIRQ_OFFSET, in_hardirq, in_nmi


def preemptible(cpu: CpuState, preempt_count: int, *others: Any) -> bool:
    """preemptible(), or user mode: a task's own context, in which it could be switched away from."""
    del others
    if cpu.in_guest or cpu.top.kind is not Kind.TASK:
        return False
    return cpu.top.ring.cpl > 0 or (preempt_count == 0 and cpu.interrupt_flag)


def irq_fpu_usable(preempt_count: int, in_kernel_fpu: bool) -> bool:
    """irq_fpu_usable(), as the code that runs would be told from its first instruction on."""
    if in_nmi(preempt_count) or in_kernel_fpu:
        return False
    if serves_softirq(preempt_count) and not in_hardirq(preempt_count):
        return not preempt_count & BH_DISABLED
    return not preempt_count & SOFTIRQ_MASK


def serves_softirq(preempt_count: int) -> bool:
    """in_serving_softirq(): bit 8, which local_bh_disable() leaves alone."""
    return bool(preempt_count & SOFTIRQ_OFFSET)


def stable(cpu: CpuState, preempt_count: int, in_kernel_fpu: bool, *others: Any) -> bool:
    """One of the points in the module's docstring; reads a CPU, its preempt_count and its in_kernel_fpu."""
    del others
    if cpu.in_guest or preemptible(cpu, preempt_count):
        return True
    handler = cpu.top.kind is Kind.HARDIRQ or serves_softirq(preempt_count)
    return handler and irq_fpu_usable(preempt_count, in_kernel_fpu)
