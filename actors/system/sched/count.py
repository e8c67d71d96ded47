"""preempt_count where nothing but the count changes: what begins a section, and an end of one that is no preemption point.

Follows include/linux/preempt.h and kernel/sched/sched.h.
"""

from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.preempt_count import PREEMPT_OFFSET


async def preempt_disable(cpu: HostCpu) -> int:
    """preempt_disable(); returns the count."""
    return await cpu.this_cpu_add(cpu.kernel.preempt_count, PREEMPT_OFFSET)


async def preempt_enable_no_resched(cpu: HostCpu) -> int:
    """sched_preempt_enable_no_resched(); returns the count."""
    return await cpu.this_cpu_add(cpu.kernel.preempt_count, -PREEMPT_OFFSET)
