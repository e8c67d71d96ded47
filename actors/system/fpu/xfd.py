"""IA32_XFD and the per-CPU copy of it, which saves writing the register where it holds the value already.

Follows arch/x86/kernel/fpu/xstate.h. The copy is called xfd_state there.
"""

from actors.runtime import routine
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate
from protocol.registers import Msr


@routine
async def xfd_set_state(cpu: HostCpu, xfd: int) -> None:
    """xfd_set_state(): the register, then its copy; two separate steps."""
    await cpu.wrmsr(Msr.XFD, xfd)
    if cpu.kernel.keeps("xfd_state_not_written"):
        await cpu.this_cpu_write(cpu.kernel.xfd_state, xfd)


@routine
async def xfd_update_state(cpu: HostCpu, fpstate: Fpstate) -> None:
    """xfd_update_state(): write XFD only where the copy says that it differs."""
    xfd: int = await cpu.read(fpstate.xfd)
    if await cpu.this_cpu_read(cpu.kernel.xfd_state) != xfd:
        await xfd_set_state(cpu, xfd)
