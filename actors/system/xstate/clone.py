"""What a child gets of its parent's extended state at fork(2), and what is left of a task's own at execve(2).

Dynamic state is never copied, since a system call's caller has to expect it to be lost: the child gets what has room in an
fpstate of the default size. Follows arch/x86/kernel/fpu/core.c.
"""

from actors.runtime import routine, set_label
from actors.system.fpu.registers import fpregs_restore_userregs, save_fpregs_to_fpstate
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate, Task
from actors.system.kernel.flags import Flags
from actors.system.kernel.layout import default_fpstate, fpstate_init_user
from actors.system.kernel.vmalloc import VMALLOC, Leak
from actors.system.kernel.xstate_op import RESETS
from actors.system.sched.preempt import fpregs_lock, fpregs_unlock
from actors.system.xstate.permission import fpu_inherit_perms


@routine
async def fpu_clone(cpu: HostCpu, child: Task) -> None:
    """fpu_clone(): the child's registers are the parent's, under the parent's XFD; a new process gets its permissions, too."""
    await cpu.write(child.last_cpu, -1)
    await fpstate_reset(cpu, child)
    await cpu.set_flag(child, Flags.TIF_NEED_FPU_LOAD)
    await fpregs_lock(cpu)
    if await cpu.read_flags(cpu.me) & Flags.TIF_NEED_FPU_LOAD:
        await fpregs_restore_userregs(cpu)
    await save_fpregs_to_fpstate(cpu, child)
    await fpregs_unlock(cpu)
    if child.leader is None:
        await fpu_inherit_perms(cpu, child)


@routine
async def fpstate_reset(cpu: HostCpu, task: Task) -> Fpstate:
    """fpstate_reset(): back to the fpstate that is a part of the task, of the default size and with all of XFD armed."""
    kernel = cpu.kernel
    own = default_fpstate(cpu.processor.model, task.name, kernel.features & ~kernel.dynamic)
    await cpu.write(task.fpstate, own)
    if task == cpu.task:
        set_label(RESETS, value=True)
    await cpu.write(own.xfd, kernel.dynamic)
    return own


@routine
async def fpu_flush_thread(cpu: HostCpu) -> None:
    """fpu_flush_thread(): at exec, permissions and the fpstate are as at the beginning, and the registers will be.

    6.12 calls fpstate_reset() with preemption on and TIF_NEED_FPU_LOAD clear. Until fpu_reset_fpregs() sets it the registers and
    XFD are those of the fpstate that was, and whoever preempts the task saves them to the one that is. Nothing is lost by it,
    since nothing of them is wanted; but if XFD differs, a kernel with CONFIG_X86_DEBUG_FPU warns (xfd_validate_state()). Nor does
    6.12 free a larger fpstate, which nobody points to from here on.
    """
    task = cpu.me
    old: Fpstate = await cpu.read(task.fpstate)
    own = await fpstate_reset(cpu, task)
    await cpu.write(task.perm, 0)
    await cpu.write(task.guest_perm, 0)
    await fpu_reset_fpregs(cpu, own)
    if old != own:
        await cpu.through(VMALLOC, Leak(old))
        set_label("leaked", old.name)


@routine
async def fpu_reset_fpregs(cpu: HostCpu, own: Fpstate) -> None:
    """fpu_reset_fpregs(): memory gets the initial state, to be loaded on return to user mode; the registers are left alone."""
    task = cpu.me
    await fpregs_lock(cpu)
    await cpu.write(task.last_cpu, -1)
    await cpu.write(own.area, fpstate_init_user(cpu.processor.model, own))
    await cpu.set_flag(task, Flags.TIF_NEED_FPU_LOAD)
    set_label(RESETS, None)
    await fpregs_unlock(cpu)
