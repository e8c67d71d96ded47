"""Dynamic features: what happens when a task first uses one that XFD has disabled.

Follows arch/x86/kernel/fpu/xstate.c: __xfd_enable_feature() and fpstate_realloc(). The buffer's allocation itself does not
fail here.
"""

from actors.runtime import routine
from actors.system.fpu import xfd_update_state
from actors.system.host_cpu import HostCpu
from actors.system.sched import preempt_disable, preempt_enable


@routine
async def xfd_enable_feature(cpu: HostCpu, xfd_err: int) -> bool:
    """xfd_enable_feature(): enlarge the task's buffer for what XFD_ERR names; False without permission for all of it."""
    event = xfd_err & cpu.kernel.dynamic
    if not event:
        return True
    if cpu.task.perm & event != event:
        return False
    await fpstate_realloc(cpu, event)
    return True


@routine
async def fpstate_realloc(cpu: HostCpu, features: int) -> None:
    """fpstate_realloc(): publish the larger fpstate and load its XFD, under fpregs_lock()."""
    fpstate = cpu.task.fpstate
    await preempt_disable(cpu)
    await cpu.store(fpstate.xfd, await cpu.load(fpstate.xfd) & ~features)
    await xfd_update_state(cpu, fpstate)
    await preempt_enable(cpu)
