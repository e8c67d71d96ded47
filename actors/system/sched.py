"""The scheduler: schedule(), preemption, and a task's first and last steps.

Follows kernel/sched/core.c in the order that matters here: the previous task's half runs before switch_to, and what follows
switch_to in the source runs only when somebody switches back. Which task is next is the run queue's choice. There is one
scheduling class and one run queue a CPU.
"""

from actors.runtime import Program, become, routine
from actors.runtime.devices.run_queue import Add, Pick, WaitForOne
from actors.runtime.program import Become, Behaviour
from actors.system.fpu import switch_fpu_finish, switch_fpu_prepare
from actors.system.host_cpu import HostCpu
from protocol.registers import Work


@routine
async def schedule(cpu: HostCpu, *, exiting: bool = False) -> None:
    """__schedule(): let another runnable task have the CPU, if there is one; called with interrupts off."""
    if await context_switch(cpu, exiting=exiting):
        await switch_fpu_finish(cpu)


@routine
async def context_switch(cpu: HostCpu, *, exiting: bool) -> bool:
    """pick_next_task() and the half of the previous task, up to switch_to; returns in its own, or False if there is no other."""
    kernel, task = cpu.kernel, cpu.task
    await cpu.this_cpu_write(kernel.need_resched, False)
    coming: Program | None = await cpu.through(kernel.runqueue, Pick())
    if coming is None and not exiting:
        return False
    if not exiting:
        await switch_fpu_prepare(cpu)
        if not task.kthread:
            await cpu.through(kernel.runqueue, Add(task.program))
    await cpu.switch_to(coming or await cpu.this_cpu_read(kernel.idle))
    return not exiting


@routine
async def irqentry_exit(cpu: HostCpu, work: Work) -> None:
    """The end of an interrupt that left work: preempt_schedule_irq() or exit_to_user_mode_loop(), and back to what it was."""
    if work is Work.RESCHED:
        await schedule(cpu)
    await cpu.iret()


@routine
async def preempt_disable(cpu: HostCpu) -> None:
    """preempt_disable(): one instruction on this CPU's preempt_count."""
    await cpu.this_cpu_add(cpu.kernel.preempt_count, 1)


@routine
async def preempt_enable(cpu: HostCpu) -> None:
    """preempt_enable(): at zero, a preemption point."""
    if await cpu.this_cpu_add(cpu.kernel.preempt_count, -1) == 0:
        await cond_resched(cpu)


@routine
async def cond_resched(cpu: HostCpu) -> None:
    """Reschedule if somebody asked for it: preempt_schedule(), or the check in vcpu_run's loop."""
    if await cpu.this_cpu_read(cpu.kernel.need_resched):
        async with cpu.irqs_off():
            await schedule(cpu)


async def ret_from_fork(cpu: HostCpu, body: Behaviour, args: tuple[object, ...]) -> Become:
    """A task's first steps: it starts behind somebody's switch_to, with interrupts off, and loads its own state."""
    await switch_fpu_finish(cpu)
    await cpu.sti()
    return become(body, cpu, *args)


@routine
async def do_exit(cpu: HostCpu) -> None:
    """do_exit(): let the CPU run somebody else, for good."""
    await cpu.cli()
    await schedule(cpu, exiting=True)


async def do_idle(cpu: HostCpu) -> Become:
    """do_idle(): wait until there is something to run, and run it."""
    await cpu.through(cpu.kernel.runqueue, WaitForOne())
    async with cpu.irqs_off():
        await schedule(cpu)
    return become(do_idle, cpu)
