"""User memory as the kernel accesses it with page faults on: one that cannot be mended makes the access fail.

A page fault runs with interrupts on and may sleep, so whoever is here may be preempted, and the page may go away again: then
the access faults once more. Follows arch/x86/include/asm/uaccess.h, arch/x86/include/asm/uaccess_64.h and mm/gup.c.
"""

from typing import Any

from actors.runtime import routine
from actors.runtime.devices.variable import Load, Store
from actors.runtime.program import Become, become
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.errno import Errno
from actors.system.kernel.mm import EMPTY, MM, HandleMmFault, UserAccess, UserArea
from protocol.handles import Cell


@routine
async def put_user(cpu: HostCpu, area: UserArea, cell: Cell, value: Any) -> bool | Become:
    """put_user(), copy_to_user(): store a cell of the area; False: -EFAULT."""
    if await cpu.through(MM, UserAccess(area, cell, Store(value))) is not Errno.EFAULT:
        return True
    if not await cpu.through(MM, HandleMmFault(area, write=True)):
        return False
    return become(put_user, cpu, area, cell, value)


@routine
async def get_user(cpu: HostCpu, area: UserArea, cell: Cell) -> Any:
    """get_user(), copy_from_user(): load a cell of the area; None: -EFAULT."""
    found = await cpu.through(MM, UserAccess(area, cell, Load()))
    if found is not Errno.EFAULT:
        return found
    if not await cpu.through(MM, HandleMmFault(area, write=False)):
        return None
    return become(get_user, cpu, area, cell)


async def clear_user(cpu: HostCpu, area: UserArea) -> bool:
    """clear_user(): zeros; so the frame is brought in for writing. False: -EFAULT."""
    return bool(await put_user(cpu, area, area.area, EMPTY))


async def fault_in_readable(cpu: HostCpu, area: UserArea) -> bool:
    """fault_in_readable(): bring the frame in for reading, nothing more; False: -EFAULT."""
    return bool(await cpu.through(MM, HandleMmFault(area, write=False)))
