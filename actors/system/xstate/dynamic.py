"""Dynamic features: what happens when a task first uses one that XFD has disabled.

Follows arch/x86/kernel/fpu/xstate.c: __xfd_enable_feature() and fpstate_realloc().
"""

from actors.runtime import Choice, routine
from actors.runtime.devices.choice import Choose
from actors.system.fpu.registers import fpregs_restore_userregs
from actors.system.fpu.xfd import xfd_update_state
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate
from actors.system.kernel.errno import Errno
from actors.system.kernel.flags import Flags
from actors.system.kernel.layout import enlarged
from actors.system.kernel.vmalloc import VMALLOC, Vfree, Vzalloc
from actors.system.sched.preempt import fpregs_lock, fpregs_unlock
from actors.system.xstate.permission import spin_lock_irq, spin_unlock_irq, xstate_get_group_perm

ALLOCATOR = Choice("vmalloc")


@routine
async def xfd_enable_feature(cpu: HostCpu, xfd_err: int) -> Errno | None:
    """__xfd_enable_feature(): enlarge the task's buffer for what XFD_ERR names.

    EPERM without permission for all of it, EFAULT without memory. What is not dynamic is ignored: the user tries again.
    """
    event = xfd_err & cpu.kernel.dynamic
    if not event:
        return None
    await spin_lock_irq(cpu, cpu.me)
    permitted = await xstate_get_group_perm(cpu, guest=False)
    await spin_unlock_irq(cpu, cpu.me)
    if event & ~permitted:
        return Errno.EPERM
    return await fpstate_realloc(cpu, event)


@routine
async def fpstate_realloc(cpu: HostCpu, features: int) -> Errno | None:
    """fpstate_realloc(): allocate a larger fpstate, publish it, and load its XFD; the old one is freed, if it was allocated.

    XCOMP_BV is there from the allocation on (`Vzalloc`), before fpregs_lock(): nobody else finds it before it is published.
    """
    kernel = cpu.kernel
    if kernel.vmalloc_fails and not await cpu.through(ALLOCATOR, Choose((True, False))):
        return Errno.EFAULT
    task = cpu.me
    ref: Fpstate = await cpu.read(task.fpstate)
    new = enlarged(cpu.processor.model, ref, task.name, features)
    await cpu.through(VMALLOC, Vzalloc(new))
    if kernel.is_mutant("published_unlocked"):
        await cpu.write(task.fpstate, new)  # variant
    await fpregs_lock(cpu)
    if kernel.keeps("realloc_unrestored") and await cpu.read_flags(task) & Flags.TIF_NEED_FPU_LOAD:
        await fpregs_restore_userregs(cpu)
    if kernel.is_mutant("published_before_xfd"):
        await cpu.write(task.fpstate, new)  # variant
    await cpu.write(new.xfd, await cpu.read(ref.xfd) & ~features)
    if kernel.keeps("published_unlocked", "published_before_xfd"):
        await cpu.write(task.fpstate, new)
    if kernel.keeps("realloc_xfd_kept"):
        await xfd_update_state(cpu, new)
    await fpregs_unlock(cpu)
    if not task.contains(ref):
        await cpu.through(VMALLOC, Vfree(ref))
    return None
