"""The task that runs when no other can. Follows kernel/sched/idle.c and drivers/idle/intel_idle.c."""

from actors.runtime import become, routine
from actors.runtime.devices.run_queue import WaitForOne
from actors.runtime.program import Become
from actors.system.fpu.switch import fpu_idle_fpregs
from actors.system.kernel.cpu import HostCpu
from actors.system.sched.schedule import schedule


async def do_idle(cpu: HostCpu) -> Become:
    """do_idle(): give up the tiles, wait until there is something to run, and run it."""
    await arch_cpu_idle_enter(cpu)
    await cpu.through(cpu.kernel.runqueue, WaitForOne())
    await schedule(cpu)
    return become(do_idle, cpu)


@routine
async def arch_cpu_idle_enter(cpu: HostCpu) -> None:
    """intel_idle_xstate(), which a CPU with AMX idles by, up to its MWAIT."""
    await fpu_idle_fpregs(cpu)
