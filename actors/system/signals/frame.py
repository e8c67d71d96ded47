"""The registers, to a signal frame: straight from the CPU to user memory.

Follows arch/x86/kernel/fpu/signal.c. What is small it takes from arch/x86/kernel/fpu/xstate.h.
"""

from actors.machine.xstate.components import TILES
from actors.runtime import become, routine, set_label
from actors.runtime.program import Become
from actors.system.fpu.registers import fpregs_restore_userregs
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags
from actors.system.kernel.mm import UserArea
from actors.system.kernel.xstate_op import SAVES, xstate_op
from actors.system.sched.preempt import fpregs_lock, fpregs_unlock
from actors.system.signals.uaccess import clear_user, put_user
from protocol import instructions as op
from protocol.replies import Fault


@routine
async def copy_fpstate_to_sigframe(cpu: HostCpu, frame: UserArea) -> bool:
    """copy_fpstate_to_sigframe(): the frame is zeroed, the registers are saved, and sw_reserved says what is there.

    XSAVE keeps the header's bits of components that it is not asked for, hence the first of these; Linux clears the header
    alone. False: -EFAULT.
    """
    if not await clear_user(cpu, frame):
        return False
    if not await retry_xsave_to_sigframe(cpu, frame):
        return False
    return await save_xstate_epilog(cpu, frame)


@routine
async def retry_xsave_to_sigframe(cpu: HostCpu, frame: UserArea) -> bool | Become:
    """What copy_fpstate_to_sigframe() does from its label `retry` on.

    Page faults are off inside fpregs_lock(), where nobody may sleep. One that happens all the same is mended outside, and
    then all is done again: the registers may have been lost meanwhile.
    """
    await fpregs_lock(cpu)
    if await cpu.read_flags(cpu.me) & Flags.TIF_NEED_FPU_LOAD:
        await fpregs_restore_userregs(cpu)
    fault = await xsave_to_user_sigframe(cpu, frame)
    await fpregs_unlock(cpu)
    if fault is None:
        return True
    if not await clear_user(cpu, frame):
        return False
    return become(retry_xsave_to_sigframe, cpu, frame)


@routine
async def xsave_to_user_sigframe(cpu: HostCpu, frame: UserArea) -> Fault | None:
    """xsave_to_user_sigframe(): XSAVE of user features, without tiles that are initial; returns its fault."""
    fpstate: Fpstate = await cpu.read(cpu.me.fpstate)
    mask = fpstate.user_xfeatures
    if mask & TILES:
        mask &= await cpu.xgetbv(1) | ~TILES
    set_label(SAVES, xstate_op(fpstate, mask, frame))
    fault = await cpu.attempt(op.Xsave(mask, frame.operand))
    set_label(SAVES, None)
    set_label("frame written", fault is None)
    return fault


@routine
async def save_xstate_epilog(cpu: HostCpu, frame: UserArea) -> bool:
    """save_xstate_epilog(): sw_reserved.xfeatures, which sigreturn will go by; False: -EFAULT."""
    fpstate: Fpstate = await cpu.read(cpu.me.fpstate)
    return bool(await put_user(cpu, frame, frame.sw_bytes, fpstate.user_xfeatures))
