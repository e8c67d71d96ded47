"""Extended state at a context switch, at a task's end, and when a CPU goes idle.

Follows arch/x86/include/asm/fpu/{sched,xcr}.h, fpu/core.c and fpu/xstate.c. The state of the task that leaves is saved, and
stays in the registers: the owner is still that task. The state of the one that comes is loaded when it returns to user mode,
not here.
"""

from actors.machine.xstate.components import TILES
from actors.runtime import routine
from actors.system.fpu.registers import fpregs_deactivate, save_fpregs_to_fpstate
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags
from actors.system.kernel.vmalloc import VMALLOC, Vfree


@routine
async def switch_fpu_prepare(cpu: HostCpu) -> None:
    """switch_fpu_prepare(), while the task that leaves is still current: save it, unless its state is in memory already."""
    task = cpu.me
    if await cpu.read_flags(task) & (Flags.TIF_NEED_FPU_LOAD | Flags.PF_KTHREAD):
        return
    if cpu.kernel.keeps("switch_unsaved"):
        await save_fpregs_to_fpstate(cpu, task)
    if cpu.kernel.keeps("last_cpu_unsaved"):
        await cpu.write(task.last_cpu, await cpu.smp_processor_id())


@routine
async def switch_fpu_finish(cpu: HostCpu) -> None:
    """switch_fpu_finish(), in the task that comes, behind its switch_to: whatever is in the registers is not its state."""
    if cpu.kernel.keeps("need_load_unset"):
        await cpu.set_flag(cpu.me, Flags.TIF_NEED_FPU_LOAD)


@routine
async def fpu__drop(cpu: HostCpu) -> None:
    """fpu__drop() of the current task: this CPU's registers are nobody's; one store, to which preempt_disable() adds nothing."""
    await fpregs_deactivate(cpu)


@routine
async def fpstate_free(cpu: HostCpu) -> None:
    """fpstate_free() of a dead task: its fpstate, if that is not the one that is a part of the task.

    In Linux arch_release_task_struct() calls it, when the last reference to the task is gone.
    """
    task = cpu.me
    fpstate: Fpstate = await cpu.read(task.fpstate)
    if not task.contains(fpstate):
        await cpu.through(VMALLOC, Vfree(fpstate))


@routine
async def tiles_in_use(cpu: HostCpu) -> bool:
    """xfeatures_in_use(), of the tiles: what XGETBV says of the other components tells no two states apart any more."""
    return bool(await cpu.xgetbv(1) & TILES)


@routine
async def fpu_idle_fpregs(cpu: HostCpu) -> None:
    """fpu_idle_fpregs(): a CPU that idles gives its tiles up, since it sleeps less deeply with tiles in use; IF is 0."""
    if await tiles_in_use(cpu):
        await cpu.tilerelease()
        if cpu.kernel.keeps("idle_owner_kept"):
            await fpregs_deactivate(cpu)
