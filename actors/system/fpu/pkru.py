"""PKRU, which goes with the task and not with its fpstate: it is in force in the kernel too, so it is switched at once.

A kernel that was started without protection keys (`Kernel.ospke` is False) switches nothing, and its tasks may write nothing.
Follows arch/x86/include/asm/pkru.h and arch/x86/kernel/process_64.c.
"""

from actors.runtime import routine
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task

INIT_PKRU = 0x5555_5554
"""init_pkru_value: access to all keys but 0 is disabled."""


@routine
async def x86_pkru_load(cpu: HostCpu, prev: Task, next_: Task) -> None:
    """x86_pkru_load(), in __switch_to(): the value of the task that leaves is kept, and that of the one that comes loaded."""
    before = await cpu.rdpkru()
    await cpu.write(prev.pkru, before)
    after: int = await cpu.read(next_.pkru)
    if before != after:
        await cpu.wrpkru(after)


async def pkru_write_default(cpu: HostCpu) -> None:
    """pkru_write_default()."""
    await cpu.wrpkru(INIT_PKRU)
