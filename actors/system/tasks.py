"""User tasks on the host, as the kernel starts and ends them."""

from actors.machine.xstate.tiles import config
from actors.runtime import routine, set_label
from actors.runtime.program import Behaviour
from actors.system.host_cpu import HostCpu
from actors.system.sched import do_exit
from actors.system.traps import Killed
from protocol.registers import Component


async def user_task(cpu: HostCpu, code: Behaviour, args: tuple[object, ...]) -> None:
    """Return to user mode, run `code`, and exit."""
    await cpu.cli()
    await cpu.iret()
    await user_mode(cpu, code, args)
    await do_exit(cpu)


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
