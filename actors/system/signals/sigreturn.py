"""A signal frame, to the registers: straight from user memory, which may fault, into registers that may be another task's.

While TIF_NEED_FPU_LOAD is set the registers keep the state of their last owner, who may come back to them without loading
anything. An XRSTOR from user memory ends that: what it leaves is the owner's no more. What the kernel did about an XRSTOR that
fails has changed twice. Follows arch/x86/kernel/fpu/signal.c. What is small it takes from arch/x86/kernel/fpu/xstate.h.

Left out: os_xrstor_supervisor(), since no supervisor component is modelled.
"""

from actors.runtime import become, routine, set_label
from actors.runtime.program import Become
from actors.system.fpu.registers import (
    fpregs_deactivate,
    fpregs_mark_activate,
    os_xrstor,
)
from actors.system.fpu.xfd import xfd_update_state
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate, Kernel
from actors.system.kernel.flags import Flags
from actors.system.kernel.mm import UserArea
from actors.system.kernel.xstate_op import RESTORES, xstate_op
from actors.system.sched.preempt import fpregs_lock, fpregs_unlock
from actors.system.signals.uaccess import fault_in_readable, get_user
from actors.system.xstate.clear import fpu__clear_user_states
from protocol import instructions as op
from protocol.registers import Vector
from protocol.replies import Fault


@routine
async def fpu__restore_sig(cpu: HostCpu, frame: UserArea | None) -> bool:
    """fpu__restore_sig(): no frame is initial state; so is one that cannot be restored, of which the caller is told by False."""
    if frame is not None and await __fpu_restore_sig(cpu, frame):
        return True
    set_label("frame refused", value=True)
    await fpu__clear_user_states(cpu)
    set_label("frame refused", value=False)
    return frame is None


@routine
async def __fpu_restore_sig(cpu: HostCpu, frame: UserArea) -> bool:
    """__fpu_restore_sig(): what the frame says that it has, if it can be read, and then the registers."""
    xfeatures: int | None = await check_xstate_in_sigframe(cpu, frame)
    return xfeatures is not None and await restore_fpregs_from_user(cpu, frame, xfeatures)


async def check_xstate_in_sigframe(cpu: HostCpu, frame: UserArea) -> int | None:
    """check_xstate_in_sigframe(): sw_reserved.xfeatures; None: -EFAULT."""
    found: int | None = await get_user(cpu, frame, frame.sw_bytes)
    return found


@routine
async def restore_fpregs_from_user(cpu: HostCpu, frame: UserArea, xfeatures: int) -> bool | Become:
    """restore_fpregs_from_user(): XFD, XRSTOR with page faults off, and the registers are the task's; again after a #PF.

    False: the frame is bad (#GP), or its page cannot be brought in.
    """
    task = cpu.me
    await fpregs_lock(cpu)
    fpstate: Fpstate = await cpu.read(task.fpstate)
    await xfd_update_state(cpu, fpstate)
    fault = await __restore_fpregs_from_user(cpu, frame, fpstate, xfeatures)
    set_label("frame refused", fault is not None)
    if fault is not None:
        if invalidates(cpu.kernel) and await cpu.read_flags(task) & Flags.TIF_NEED_FPU_LOAD:
            await fpregs_deactivate(cpu)
        await fpregs_unlock(cpu)
        if fault.vector is not Vector.PF or not await fault_in_readable(cpu, frame):
            return False
        return become(restore_fpregs_from_user, cpu, frame, xfeatures)
    await fpregs_mark_activate(cpu)
    await fpregs_unlock(cpu)
    return True


@routine
async def __restore_fpregs_from_user(
    cpu: HostCpu, frame: UserArea, fpstate: Fpstate, xfeatures: int
) -> Fault | None:
    """__restore_fpregs_from_user(): what the frame has and the task may, and initial state for the rest; returns the fault.

    Before bbc55341b9c6 (copy_user_to_fpregs_zeroing()) the rest came first, so that a fault found registers changed.
    """
    xrestore = xfeatures & fpstate.user_xfeatures
    init_bv = fpstate.user_xfeatures & ~xrestore
    early = not cpu.kernel.has("bbc55341b9c6")
    if init_bv and early:
        await os_xrstor(cpu, cpu.kernel.init_fpstate, init_bv)
    fault = await xrstor_from_user_sigframe(cpu, frame, fpstate, xrestore)
    if fault is None and init_bv and not early:
        await os_xrstor(cpu, cpu.kernel.init_fpstate, init_bv)
    return fault


@routine
async def xrstor_from_user_sigframe(
    cpu: HostCpu, frame: UserArea, fpstate: Fpstate, mask: int
) -> Fault | None:
    """xrstor_from_user_sigframe(): XRSTOR from user memory, under the XFD of the current fpstate; returns its fault."""
    set_label(RESTORES, xstate_op(fpstate, mask, frame))
    fault = await cpu.attempt(op.Xrstor(mask, frame.operand))
    set_label(RESTORES, None)
    return fault


def invalidates(kernel: Kernel) -> bool:
    """Say whether an XRSTOR that failed leaves the registers nobody's.

    bbc55341b9c6 (2019) did so, since the initial state had been loaded by then. That was turned round later, and the line went,
    as a failed XRSTOR was held to have changed nothing; d8778e393afa (2021) brought it back.
    """
    return kernel.has("bbc55341b9c6") and kernel.has("d8778e393afa")
