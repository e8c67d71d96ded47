"""User tasks on the host, as the kernel starts and ends them. Follows arch/x86/kernel/process.c."""

from actors.machine.xstate.tiles import config
from actors.runtime import become, routine, set_label
from actors.runtime.program import Become, Behaviour
from actors.system.entry.common import exit_to_user_mode_prepare
from actors.system.entry.traps import Killed
from actors.system.kernel.cpu import HostCpu
from actors.system.sched.schedule import do_exit
from protocol.registers import Component


async def user_task(cpu: HostCpu, code: Behaviour, args: tuple[object, ...]) -> None:
    """Return to user mode, run `code`, and exit."""
    await cpu.cli()
    await exit_to_user_mode_prepare(cpu)
    await cpu.iret()
    await user_mode(cpu, code, args)
    await do_exit(cpu)


async def ret_from_fork(cpu: HostCpu, body: Behaviour, args: tuple[object, ...]) -> Become:
    """ret_from_fork(): a task's first steps; it starts behind somebody's switch_to, with interrupts off."""
    await cpu.sti()
    return become(body, cpu, *args)


@routine
async def user_mode(cpu: HostCpu, code: Behaviour, args: tuple[object, ...]) -> None:
    """Run `code` in user mode until it leaves by itself, or is killed by a signal."""
    try:
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
