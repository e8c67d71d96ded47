"""Who sends signals, and who takes pages away: background programs with budgets, or a task by a system call.

Follows kernel/signal.c.
"""

from actors.runtime import become, routine
from actors.runtime.program import Become
from actors.system.entry.interrupts import work_left
from actors.system.entry.ipi import RESCHEDULE_VECTOR
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.kernel.flags import SendSignal
from actors.system.kernel.mm import MM, Mprotect, Prot, Reclaim, UserArea
from actors.system.sched.softirq import irq_enter, irq_exit


@routine
async def send_signal(cpu: HostCpu, target: Task) -> None:
    """kill() by a task, to one that does not run elsewhere: it is told when it next returns to user mode."""
    await cpu.through(target.flags, SendSignal())


async def signal_source(cpu: HostCpu, target: Task, budget: int) -> Become | None:
    """kill() by processes on other CPUs: at most `budget` signals.

    signal_wake_up() does not leave it at the flag: kick_process() sends an IPI, which makes the CPU look at it, if
    the task runs in user mode there.
    """
    if budget == 0:
        return None
    await target.flags.send(SendSignal())
    interrupted_cpl = await cpu.external_interrupt(RESCHEDULE_VECTOR)
    await irq_enter(cpu)
    count = await irq_exit(cpu)
    await cpu.iret(await work_left(cpu, interrupted_cpl, count))
    return become(signal_source, cpu, target, budget - 1)


async def quiet_signal_source(target: Task, budget: int) -> Become | None:
    """The same without the IPI: the flag is seen when the task returns to user mode for some other reason."""
    if budget == 0:
        return None
    await target.flags.send(SendSignal())
    return become(quiet_signal_source, target, budget - 1)


async def sibling(area: UserArea, prot: Prot) -> None:
    """Another thread of the process, on another CPU: munmap(), or mprotect()."""
    await MM.send(Mprotect(area, prot))


async def reclaim(area: UserArea, budget: int) -> Become | None:
    """kswapd, short of memory: takes the page away, which a page fault brings back."""
    if budget == 0:
        return None
    await MM.send(Reclaim(area))
    return become(reclaim, area, budget - 1)
