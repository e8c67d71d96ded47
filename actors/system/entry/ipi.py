"""The target's half of an IPI: a hard interrupt that comes when another CPU has asked for it.

Follows arch/x86/kernel/smp.c.
"""

from actors.runtime import become
from actors.runtime.program import Become
from actors.system.entry.interrupts import work_left
from actors.system.kernel.cpu import HostCpu
from actors.system.sched.smp import flush_smp_call_function_queue
from actors.system.sched.softirq import irq_enter, irq_exit
from protocol.handles import Cell

CALL_FUNCTION_SINGLE_VECTOR = 0xFB
RESCHEDULE_VECTOR = 0xFD


async def ipi_source(cpu: HostCpu, asked: Cell, budget: int) -> Become | None:
    """sysvec_call_function_single(), at most `budget` times where `asked` is set; more IPIs than that wait for ever."""
    if budget == 0:
        return None
    interrupted_cpl = await cpu.external_interrupt(CALL_FUNCTION_SINGLE_VECTOR, asked)
    await irq_enter(cpu)
    await flush_smp_call_function_queue(cpu)
    count = await irq_exit(cpu)
    await cpu.iret(await work_left(cpu, interrupted_cpl, count))
    return become(ipi_source, cpu, asked, budget - 1)
