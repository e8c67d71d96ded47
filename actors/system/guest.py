"""Guests: a kernel that handles its own #NM, and what runs on it.

A guest does not know that it is exited. Its programs run on their vCPU: an instruction waits until VM-entry.
"""

from actors.machine.xstate.tiles import config
from actors.runtime import routine, set_label
from actors.system.guest_cpu import GuestCpu
from protocol.registers import Msr, Vector
from protocol.replies import Fault

ONE_TILE = config(16)
"""TILECFG with tile 0 of 16 rows of 64 bytes."""


class GuestDied(Exception):
    """The guest's kernel died."""


@routine
async def guest_exception(cpu: GuestCpu, fault: Fault) -> None:
    """The guest kernel's exceptions: #NM has a handler, any other kills it."""
    if fault.vector is not Vector.NM:
        set_label("oops", f"unhandled #{fault.vector.name}")
        raise GuestDied
    await exc_device_not_available(cpu)
    await cpu.iret()


@routine
async def exc_device_not_available(cpu: GuestCpu) -> None:
    """The guest kernel's #NM handler: without a bit in XFD_ERR it dies, else it clears the bit and lets the task use AMX."""
    set_label("in_nm_window", True)
    xfd_err = await cpu.rdmsr(Msr.XFD_ERR)
    set_label("in_nm_window", False)
    if not xfd_err:
        set_label("oops", "unexpected #NM exception")
        raise GuestDied
    await cpu.wrmsr(Msr.XFD_ERR, 0)
    await cpu.wrmsr(Msr.XFD, await cpu.rdmsr(Msr.XFD) & ~xfd_err)


async def amx_guest(cpu: GuestCpu, feature: int, tile: bytes) -> None:
    """A guest that arms XFD, as a kernel does for a task without a buffer, and whose task then uses a tile."""
    try:
        await cpu.wrmsr(Msr.XFD, feature)
        await cpu.ldtilecfg(ONE_TILE)
        await cpu.tileloadd(0, tile)
        set_label("loaded", tile == await cpu.tilestored(0))
    except GuestDied:
        pass
    await cpu.hlt()


async def reader_guest(cpu: GuestCpu) -> None:
    """Another VM's guest, which reads XFD_ERR though it has taken no #NM."""
    set_label("xfd_err", await cpu.rdmsr(Msr.XFD_ERR))
    await cpu.hlt()


class Denied(Exception):
    """The guest's kernel ends its task, which used AMX without permission."""


@routine
async def strict_exception(cpu: GuestCpu, fault: Fault) -> None:
    """A guest kernel whose task has no permission: its #NM ends the task."""
    if fault.vector is not Vector.NM:
        await guest_exception(cpu, fault)
        return
    await cpu.rdmsr(Msr.XFD_ERR)
    await cpu.wrmsr(Msr.XFD_ERR, 0)
    raise Denied


async def armed_guest(cpu: GuestCpu, feature: int, tile: bytes) -> None:
    """A guest whose XFD forbids AMX to a task that tries it; an instruction that executes has escaped."""
    await cpu.wrmsr(Msr.XFD, feature)
    set_label("armed", True)
    try:
        await cpu.ldtilecfg(ONE_TILE)
        await cpu.tileloadd(0, tile)
        set_label("escaped", True)
    except Denied:
        set_label("denied", True)
    await cpu.hlt()


async def live_tile_guest(cpu: GuestCpu, feature: int, tile: bytes) -> None:
    """A guest that sets XFD over a live tile, clears it again, and reads the tile back."""
    await cpu.ldtilecfg(ONE_TILE)
    await cpu.tileloadd(0, tile)
    await cpu.wrmsr(Msr.XFD, feature)
    set_label("live and disabled", True)
    await cpu.nop()
    await cpu.wrmsr(Msr.XFD, 0)
    set_label("live and disabled", False)
    set_label("survived", tile == await cpu.tilestored(0))
    await cpu.hlt()
