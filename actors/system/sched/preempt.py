"""preempt_count's sections, and the points where their ends let something happen that had to wait.

A task is preempted where an interrupt returns into it (preempt_schedule_irq) or where it enables preemption again, if
TIF_NEED_RESCHED is set, preempt_count is 0 and interrupts are on, and nowhere else. Softirqs run where an interrupt ends or
bottom halves are enabled again, if the CPU is in no interrupt. Follows include/linux/{preempt,sched,bottom_half}.h,
kernel/sched/core.c, kernel/softirq.c and arch/x86/include/asm/fpu/api.h.
"""

from actors.runtime import routine
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.flags import Flags
from actors.system.kernel.preempt_count import PREEMPT_OFFSET, SOFTIRQ_DISABLE_OFFSET, in_interrupt
from actors.system.sched.count import preempt_disable, preempt_enable_no_resched
from actors.system.sched.schedule import __schedule, schedule
from actors.system.sched.softirq import do_softirq


@routine
async def preempt_enable(cpu: HostCpu) -> None:
    """preempt_enable(): at zero, a preemption point."""
    if await preempt_enable_no_resched(cpu) == 0:
        await preempt_schedule(cpu)


@routine
async def preempt_schedule(cpu: HostCpu) -> None:
    """preempt_schedule(), where preempt_count is zero: if somebody asked for it, but not with interrupts off (preemptible())."""
    if await cpu.read_flags(await cpu.current()) & Flags.TIF_NEED_RESCHED and not await cpu.irqs_disabled():
        await schedule(cpu)


@routine
async def cond_resched(cpu: HostCpu) -> None:
    """cond_resched(): reschedule if somebody asked for it; so does xfer_to_guest_mode_handle_work()."""
    if await cpu.read_flags(cpu.me) & Flags.TIF_NEED_RESCHED:
        await schedule(cpu)


@routine
async def preempt_schedule_irq(cpu: HostCpu) -> None:
    """preempt_schedule_irq(): in the task that was interrupted, with interrupts off, which are on around __schedule()."""
    count = await preempt_disable(cpu)
    await cpu.sti()
    await __schedule(cpu, count)
    await cpu.cli()
    await preempt_enable_no_resched(cpu)


async def local_bh_disable(cpu: HostCpu) -> None:
    """local_bh_disable(): no softirq runs on this CPU until it is enabled again, and nobody is preempted."""
    await cpu.this_cpu_add(cpu.kernel.preempt_count, SOFTIRQ_DISABLE_OFFSET)


@routine
async def local_bh_enable(cpu: HostCpu) -> None:
    """local_bh_enable(): softirqs that had to wait run here, with preemption still off; then a preemption point."""
    kernel = cpu.kernel
    if kernel.softirq is not None:
        left = PREEMPT_OFFSET - SOFTIRQ_DISABLE_OFFSET
        count = await cpu.this_cpu_add(kernel.preempt_count, left)
        if not in_interrupt(count) and await cpu.this_cpu_read(kernel.softirq_pending):
            await do_softirq(cpu)
        count = await cpu.this_cpu_add(kernel.preempt_count, -PREEMPT_OFFSET)
    else:
        count = await cpu.this_cpu_add(kernel.preempt_count, -SOFTIRQ_DISABLE_OFFSET)
    if count == 0:
        await preempt_schedule(cpu)


async def fpregs_lock(cpu: HostCpu) -> None:
    """fpregs_lock(): neither the scheduler nor a softirq touches the registers; interrupts stay on (without PREEMPT_RT)."""
    if cpu.kernel.keeps("no_fpregs_lock"):
        await local_bh_disable(cpu)


async def fpregs_unlock(cpu: HostCpu) -> None:
    """fpregs_unlock()."""
    if cpu.kernel.keeps("no_fpregs_lock"):
        await local_bh_enable(cpu)
