"""Extended state when a CPU comes up: what a reset has put back is enabled again.

Follows arch/x86/kernel/fpu/{init,xstate}.c.
"""

from actors.runtime import routine
from actors.system.fpu.xfd import xfd_set_state
from actors.system.kernel.cpu import HostCpu
from protocol.registers import Msr

SUPERVISOR = 0
"""xfeatures_mask_supervisor(): none is modelled."""


@routine
async def fpu__init_cpu_xstate(cpu: HostCpu) -> None:
    """fpu__init_cpu_xstate(): CR4.OSXSAVE, XFD as init_fpstate has it, XCR0, XSS.

    10e4b5166df9 writes the copy of XFD with the register; without it the copy stays what it was when the CPU went down.
    """
    kernel = cpu.kernel
    await cpu.set_cr4_osxsave(osxsave=True)
    if kernel.has("10e4b5166df9"):
        await xfd_set_state(cpu, kernel.dynamic)
    else:
        await cpu.wrmsr(Msr.XFD, kernel.dynamic)
    await cpu.xsetbv(cpu.processor.model.xcr0)
    await cpu.wrmsr(Msr.XSS, SUPERVISOR)
