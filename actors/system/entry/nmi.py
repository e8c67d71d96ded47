"""What comes whatever IF is: NMIs, and machine checks.

In the handler of either preempt_count has its NMI field set, so it may neither schedule nor use the FPU. A machine check that
interrupts user mode is the exception: it is served like a fault of the task, with interrupts off, and ends by the work on the
way back to user mode. Follows arch/x86/kernel/nmi.c, arch/x86/kernel/cpu/mce/core.c and kernel/entry/common.c.
What is small it takes from include/linux/hardirq.h and arch/x86/events/core.c.
"""

from actors.runtime import become, routine, set_label
from actors.runtime.program import Become, Behaviour
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.preempt_count import HARDIRQ_OFFSET, NMI_OFFSET
from protocol.registers import Work


async def nmi_source(cpu: HostCpu, handler: Behaviour, budget: int) -> Become | None:
    """At most `budget` NMIs, each handled by `handler`: exc_nmi(), which returns to user mode without looking for work."""
    if budget == 0:
        return None
    await cpu.nmi()
    await nmi_enter(cpu)
    await handler(cpu)
    await nmi_exit(cpu)
    await cpu.iret()
    return become(nmi_source, cpu, handler, budget - 1)


async def mce_source(cpu: HostCpu, handler: Behaviour, budget: int) -> Become | None:
    """At most `budget` machine checks: exc_machine_check_kernel() or exc_machine_check_user(), around `handler`."""
    if budget == 0:
        return None
    if await cpu.machine_check():
        await handler(cpu)
        await cpu.iret(Work.EXIT_TO_USER)
    else:
        await nmi_enter(cpu)
        await handler(cpu)
        await nmi_exit(cpu)
        await cpu.iret()
    return become(mce_source, cpu, handler, budget - 1)


async def nmi_enter(cpu: HostCpu) -> None:
    """__nmi_enter(): one in the fields of NMIs and of hard interrupts."""
    await cpu.this_cpu_add(cpu.kernel.preempt_count, NMI_OFFSET + HARDIRQ_OFFSET)


async def nmi_exit(cpu: HostCpu) -> None:
    """__nmi_exit()."""
    await cpu.this_cpu_add(cpu.kernel.preempt_count, -(NMI_OFFSET + HARDIRQ_OFFSET))


@routine
async def perf_event_nmi_handler(cpu: HostCpu) -> None:
    """perf_event_nmi_handler(): a sample says which task is current."""
    set_label("sampled", (await cpu.current()).program)


@routine
async def do_machine_check(cpu: HostCpu) -> None:
    """do_machine_check(): reads the banks, and logs what it finds there."""
    await cpu.nop()
