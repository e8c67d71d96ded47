"""The task that runs when no other can. Follows kernel/sched/{idle,core}.c and drivers/idle/intel_idle.c.

It runs with preemption off from its first step on (init_idle() sets preempt_count to 1), so that nothing but its own
schedule_idle() takes the CPU from it.
"""

from actors.runtime import become, routine
from actors.runtime.devices.run_queue import WaitForOne
from actors.runtime.program import Become
from actors.system.fpu.switch import fpu_idle_fpregs
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.preempt_count import PREEMPT_OFFSET
from actors.system.sched.schedule import __schedule


async def do_idle(cpu: HostCpu) -> Become:
    """do_idle(): sleep until there is something to run, and run it."""
    await cpuidle_idle_call(cpu)
    await cpu.through(cpu.kernel.runqueue, WaitForOne())
    await schedule_idle(cpu)
    return become(do_idle, cpu)


@routine
async def cpuidle_idle_call(cpu: HostCpu) -> None:
    """cpuidle_idle_call(), up to the MWAIT: interrupts are off, but wake the CPU up, and are served then.

    So the wait that follows stands behind the point where they are on again.
    """
    async with cpu.irqs_off():
        await intel_idle_xstate(cpu)


@routine
async def intel_idle_xstate(cpu: HostCpu) -> None:
    """intel_idle_xstate(), of a CPU with AMX."""
    await fpu_idle_fpregs(cpu)


@routine
async def schedule_idle(cpu: HostCpu) -> None:
    """schedule_idle(): preemption is off already."""
    await __schedule(cpu, PREEMPT_OFFSET)
