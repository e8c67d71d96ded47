"""Who runs: schedule(), preemption and its count, softirqs, the idle task, and a task's first and last steps.

Follows kernel/sched/core.c, kernel/softirq.c, kernel/smp.c and include/linux/preempt.h. `schedule` is the context switch,
`count` and `preempt` where it may not happen, and where it may, `softirq` what runs when an interrupt or a section with softirqs
off is over, `idle` the task that runs when no other can, `smp` how a function is called on another CPU.

May import: `actors.system.fpu`, `actors.system.kernel`, `actors.machine`, `actors.runtime`, `protocol`.
"""

from actors.system.sched.count import preempt_disable
from actors.system.sched.preempt import (
    cond_resched,
    fpregs_lock,
    fpregs_unlock,
    local_bh_disable,
    local_bh_enable,
    preempt_enable,
    preempt_schedule_irq,
)
from actors.system.sched.schedule import do_exit, schedule

__all__ = [
    "cond_resched",
    "do_exit",
    "fpregs_lock",
    "fpregs_unlock",
    "local_bh_disable",
    "local_bh_enable",
    "preempt_disable",
    "preempt_enable",
    "preempt_schedule_irq",
    "schedule",
]
