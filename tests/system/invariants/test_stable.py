"""Where others may look, by the contexts on a CPU and preempt_count."""

import pytest

from actors.machine.state import CpuState, Frame, Kind, Ring
from actors.system.invariants.stable import irq_fpu_usable, preemptible, serves_softirq, stable
from actors.system.kernel.preempt_count import (
    HARDIRQ_OFFSET,
    NMI_OFFSET,
    PREEMPT_OFFSET,
    SOFTIRQ_DISABLE_OFFSET,
    SOFTIRQ_OFFSET,
)
from tests.system.invariants.states import A, cpu, guest, hardirq, in_user, kernel

USER, KERNEL, NO_IRQS = cpu(in_user(A)), cpu(kernel(A)), cpu(kernel(A), interrupt_flag=False)
IRQ_IN_KERNEL = cpu(kernel(A), hardirq(), interrupt_flag=False)
IRQ_IN_USER = cpu(in_user(A), hardirq(), interrupt_flag=False)
GUEST = cpu(kernel(A), guest())


@pytest.mark.parametrize(
    ("state", "count", "in_kernel_fpu", "may_switch", "may_look"),
    [
        pytest.param(USER, 0, False, True, True, id="user mode"),
        pytest.param(cpu(in_user(A), interrupt_flag=False), 0, False, True, True, id="user mode, IF=0"),
        pytest.param(GUEST, PREEMPT_OFFSET, False, False, True, id="guest mode"),
        pytest.param(KERNEL, 0, False, True, True, id="preemptible kernel"),
        pytest.param(NO_IRQS, 0, False, False, False, id="interrupts off"),
        pytest.param(KERNEL, PREEMPT_OFFSET, False, False, False, id="preempt_disable()"),
        pytest.param(KERNEL, SOFTIRQ_DISABLE_OFFSET, False, False, False, id="fpregs_lock()"),
        pytest.param(KERNEL, PREEMPT_OFFSET, True, False, False, id="kernel_fpu_begin()"),
        pytest.param(IRQ_IN_USER, 0, False, False, True, id="hardirq delivered"),
        pytest.param(IRQ_IN_KERNEL, 0, False, False, True, id="hardirq delivered to the kernel"),
        pytest.param(IRQ_IN_KERNEL, PREEMPT_OFFSET, False, False, True, id="hardirq in preempt_disable()"),
        pytest.param(IRQ_IN_KERNEL, PREEMPT_OFFSET, True, False, False, id="hardirq in kernel_fpu_begin()"),
        pytest.param(
            IRQ_IN_KERNEL, SOFTIRQ_DISABLE_OFFSET, False, False, False, id="hardirq in fpregs_lock()"
        ),
        pytest.param(
            IRQ_IN_KERNEL,
            SOFTIRQ_DISABLE_OFFSET + HARDIRQ_OFFSET,
            False,
            False,
            False,
            id="its handler, counted by then",
        ),
        pytest.param(IRQ_IN_KERNEL, HARDIRQ_OFFSET, False, False, True, id="a handler that may use the FPU"),
        pytest.param(IRQ_IN_KERNEL, HARDIRQ_OFFSET, True, False, False, id="and does"),
        pytest.param(IRQ_IN_USER, SOFTIRQ_OFFSET, False, False, True, id="softirq at irq exit"),
        pytest.param(
            IRQ_IN_USER, SOFTIRQ_OFFSET + SOFTIRQ_DISABLE_OFFSET, False, False, False, id="its fpregs_lock()"
        ),
        pytest.param(
            IRQ_IN_USER, SOFTIRQ_OFFSET + PREEMPT_OFFSET, True, False, False, id="that uses the FPU"
        ),
        pytest.param(
            IRQ_IN_KERNEL,
            SOFTIRQ_OFFSET + PREEMPT_OFFSET,
            False,
            False,
            True,
            id="softirq in preempt_disable()",
        ),
        pytest.param(
            NO_IRQS, SOFTIRQ_OFFSET + PREEMPT_OFFSET, False, False, True, id="softirq at local_bh_enable()"
        ),
        pytest.param(
            IRQ_IN_KERNEL,
            SOFTIRQ_OFFSET + HARDIRQ_OFFSET,
            False,
            False,
            False,
            id="hardirq in a softirq: irq_fpu_usable() is false",
        ),
        pytest.param(IRQ_IN_KERNEL, NMI_OFFSET, False, False, False, id="NMI"),
    ],
)
def test_where_others_may_look(state, count, in_kernel_fpu, may_switch, may_look):
    assert preemptible(state, count) == may_switch
    assert stable(state, count, in_kernel_fpu) == may_look


def test_what_else_a_condition_reads_does_not_matter():
    for state, may_look in ((KERNEL, True), (NO_IRQS, False)):
        assert stable(state, 0, False, None, 7, "more") == preemptible(state, 0, None, 7) == may_look


def test_a_guest_and_its_interrupt_are_no_task():
    assert not preemptible(CpuState((Frame(A.program, Kind.TASK), guest()), USER.x), 0)
    assert not preemptible(IRQ_IN_USER, 0)
    assert preemptible(CpuState((Frame(A.program, Kind.TASK, Ring.USER32),), USER.x), 0)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_bottom_halves_that_are_disabled_are_not_served(depth):
    disabled = depth * SOFTIRQ_DISABLE_OFFSET
    assert not serves_softirq(disabled)
    assert serves_softirq(disabled + SOFTIRQ_OFFSET)
    assert irq_fpu_usable(HARDIRQ_OFFSET + disabled, False) == (depth == 0)
