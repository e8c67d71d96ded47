"""Extended state of host tasks at a context switch: save, XFD, restore.

Follows arch/x86/kernel/fpu: xfd_update_state, save_fpregs_to_fpstate, restore_fpregs_from_fpstate. State is switched eagerly
here. What happens when a task first uses a dynamic feature is `dynamic`.
"""

from actors.runtime import routine
from actors.system.host_cpu import HostCpu
from actors.system.kernel import Fpstate
from protocol.registers import Msr


@routine
async def xfd_update_state(cpu: HostCpu, fpstate: Fpstate) -> None:
    """xfd_update_state(): write XFD only where the per-CPU copy says that it differs; two separate steps."""
    xfd = await cpu.load(fpstate.xfd)
    if await cpu.this_cpu_read(cpu.kernel.xfd_state) != xfd:
        await cpu.wrmsr(Msr.XFD, xfd)
        await cpu.this_cpu_write(cpu.kernel.xfd_state, xfd)


@routine
async def switch_fpu_prepare(cpu: HostCpu) -> None:
    """switch_fpu_prepare() of the task that leaves: XSAVES, under whatever XFD is in the MSR."""
    if not cpu.task.kthread:
        await cpu.xsaves(cpu.kernel.features, cpu.task.fpstate.regs)


@routine
async def switch_fpu_finish(cpu: HostCpu) -> None:
    """restore_fpregs_from_fpstate() of the task that comes: XFD, then XRSTORS of all features."""
    if not cpu.task.kthread:
        await xfd_update_state(cpu, cpu.task.fpstate)
        await cpu.xrstors(cpu.kernel.features, cpu.task.fpstate.regs)
