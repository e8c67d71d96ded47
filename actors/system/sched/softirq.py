"""Softirqs: what an interrupt leaves for later, and when later is.

There is one softirq vector; what it does is `kernel.softirq`. It runs with interrupts on, in whatever context the CPU is in when
an interrupt ends: `current` is the task that was interrupted, whose state the registers hold. Follows kernel/softirq.c.
ksoftirqd, to which Linux hands softirqs that keep coming, is left out: the loop ends when nothing is pending.
"""

from actors.runtime import become, routine
from actors.runtime.program import Become
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.preempt_count import BH_DISABLED, HARDIRQ_OFFSET, SOFTIRQ_OFFSET, in_interrupt


async def raise_softirq_irqoff(cpu: HostCpu) -> None:
    """__raise_softirq_irqoff(): mark the vector; it runs when this interrupt ends, or bottom halves are enabled."""
    await cpu.this_cpu_write(cpu.kernel.softirq_pending, True)


async def irq_enter(cpu: HostCpu) -> None:
    """irq_enter_rcu(): one in the field of hard interrupts."""
    await cpu.this_cpu_add(cpu.kernel.preempt_count, HARDIRQ_OFFSET)


@routine
async def irq_exit(cpu: HostCpu) -> int:
    """irq_exit_rcu(): softirqs, if this was the outermost interrupt and bottom halves are on; returns preempt_count."""
    kernel = cpu.kernel
    count = await cpu.this_cpu_add(kernel.preempt_count, -HARDIRQ_OFFSET)
    nested = count & ~BH_DISABLED if kernel.is_mutant("softirq_in_lock") else count
    if (
        kernel.softirq is not None
        and not in_interrupt(nested)
        and await cpu.this_cpu_read(kernel.softirq_pending)
    ):
        await __do_softirq(cpu)
    return count


@routine
async def do_softirq(cpu: HostCpu) -> None:
    """do_softirq(), outside of interrupts: what is pending still when they are off; behind it they are as they were before."""
    irqs_were_off = await cpu.irqs_disabled()
    await cpu.cli()
    if await cpu.this_cpu_read(cpu.kernel.softirq_pending):
        await __do_softirq(cpu)
    if not irqs_were_off:
        await cpu.sti()


@routine
async def __do_softirq(cpu: HostCpu) -> None:
    """__do_softirq(): called with interrupts off, which are on while the vector's action runs."""
    await cpu.this_cpu_add(cpu.kernel.preempt_count, SOFTIRQ_OFFSET)
    await handle_softirqs(cpu)
    await cpu.this_cpu_add(cpu.kernel.preempt_count, -SOFTIRQ_OFFSET)


@routine
async def handle_softirqs(cpu: HostCpu) -> Become | None:
    """handle_softirqs(): one round, of what is pending now; and another if more has come meanwhile."""
    assert cpu.kernel.softirq is not None
    await cpu.this_cpu_write(cpu.kernel.softirq_pending, False)
    await cpu.sti()
    await cpu.kernel.softirq(cpu)
    await cpu.cli()
    if await cpu.this_cpu_read(cpu.kernel.softirq_pending):
        return become(handle_softirqs, cpu)
    return None
