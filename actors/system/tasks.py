"""User tasks on the host, as the kernel starts and ends them. Follows arch/x86/kernel/process.c."""

from actors.machine.xstate.tiles import config
from actors.runtime import become, routine, set_label
from actors.runtime.program import Become, Behaviour
from actors.system.entry.common import exit_to_user_mode_prepare
from actors.system.entry.traps import Killed
from actors.system.kernel.cpu import HostCpu
from actors.system.sched.count import preempt_enable_no_resched
from actors.system.sched.schedule import do_exit
from protocol.registers import Component


async def user_task(cpu: HostCpu, code: Behaviour, args: tuple[object, ...]) -> None:
    """Run `code`, and exit."""
    await user_mode(cpu, code, args)
    await do_exit(cpu)


async def ret_from_fork(cpu: HostCpu, body: Behaviour, args: tuple[object, ...]) -> Become:
    """ret_from_fork(): a task's first steps: it starts behind somebody's switch_to, with interrupts and preemption off.

    Nobody can ask for a reschedule between the two, so the end of schedule_tail() is no preemption point.
    """
    await cpu.sti()
    await preempt_enable_no_resched(cpu)
    return become(body, cpu, *args)


async def kthread(cpu: HostCpu, code: Behaviour, args: tuple[object, ...]) -> None:
    """Run `code` as a kernel thread, which has no user mode and no extended state of its own, and exit."""
    await code(cpu, *args)
    await do_exit(cpu)


@routine
async def user_mode(cpu: HostCpu, code: Behaviour, args: tuple[object, ...]) -> None:
    """Go to user mode and run `code` there, until it leaves by itself or a signal kills it, which may be at once."""
    try:
        await cpu.cli()
        await exit_to_user_mode_prepare(cpu)
        await cpu.iret()
        await code(cpu, *args)
        await cpu.syscall()
    except Killed:
        pass


@routine
async def amx_task(cpu: HostCpu, tile: bytes) -> None:
    """Load a tile, which raises #NM at first use, and read it back."""
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, tile)
    set_label("loaded", tile == await cpu.tilestored(0))


@routine
async def dynamic_task(cpu: HostCpu, component: Component, tile: bytes) -> None:
    """Use one dynamic feature: tiles, or the hypothetical component."""
    if component is Component.TILEDATA:
        await amx_task(cpu, tile)
    else:
        await cpu.touch(component)


@routine
async def busy_task(cpu: HostCpu) -> None:
    """Run two instructions: somebody for the scheduler to choose."""
    await cpu.nop()
    await cpu.nop()


@routine
async def xmm_task(cpu: HostCpu, value: int) -> None:
    """Load an XMM register, and find in it later what was loaded."""
    await cpu.movq(0, value)
    await cpu.nop()
    set_label("found", await cpu.movq_from(0) == value)


@routine
async def vector_task(cpu: HostCpu, value: int) -> None:
    """Load an XMM register, and find in it later what was loaded: two instructions."""
    await cpu.movq(0, value)
    set_label("found", await cpu.movq_from(0) == value)


@routine
async def tile_task(cpu: HostCpu, value: int, tile: bytes) -> None:
    """Load an XMM register, then a tile, which raises #NM at first use, and find both later."""
    await cpu.movq(0, value)
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, tile)
    set_label("found", tile == await cpu.tilestored(0) and await cpu.movq_from(0) == value)
