"""schedule(): the context switch, and a task's last steps.

Follows kernel/sched/core.c and kernel/exit.c in the order that matters here: the previous task's half runs before switch_to, and
what follows switch_to in the source runs only when somebody switches back. Which task is next is the run queue's choice. There
is one scheduling class and one run queue a CPU.
"""

from actors.runtime import Program, routine
from actors.runtime.devices.run_queue import Add, Pick
from actors.system.fpu.pkru import x86_pkru_load
from actors.system.fpu.switch import fpu__drop, switch_fpu_finish, switch_fpu_prepare
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.kernel.flags import Flags


class Bug(Exception):
    """The kernel stops: it found that its own code breaks a rule, and says so in its own words."""


@routine
async def schedule(cpu: HostCpu, *, sleeping: bool = False) -> None:
    """schedule(): let another runnable task have the CPU, if there is one; called with interrupts on.

    A task that is `sleeping`, whose __state says that it waits for something, is on no run queue until somebody wakes it.
    """
    await cpu.cli()
    await schedule_irqs_off(cpu, sleeping=sleeping)
    await cpu.sti()


@routine
async def schedule_irqs_off(cpu: HostCpu, *, exiting: bool = False, sleeping: bool = False) -> None:
    """__schedule(), between its local_irq_disable() and the end of finish_task_switch(); raises Bug in an atomic section."""
    if await cpu.this_cpu_read(cpu.kernel.preempt_count):
        raise Bug(f"BUG: scheduling while atomic: {(await cpu.current()).name}")
    if await context_switch(cpu, exiting=exiting, sleeping=sleeping):
        await switch_fpu_finish(cpu)


@routine
async def context_switch(cpu: HostCpu, *, exiting: bool, sleeping: bool = False) -> bool:
    """context_switch() behind pick_next_task(), up to switch_to; returns in the task's own, or False if there is no other."""
    kernel, task = cpu.kernel, cpu.me
    await cpu.clear_flag(task, Flags.TIF_NEED_RESCHED)
    coming: Program | None = await cpu.through(kernel.runqueue, Pick())
    if coming is None and not exiting and not sleeping:
        return False
    if not exiting:
        await switch_fpu_prepare(cpu)
        if not task.idle and not sleeping:
            await cpu.through(kernel.runqueue, Add(task.program))
    coming = coming or await cpu.this_cpu_read(kernel.idle)
    if kernel.ospke:
        await x86_pkru_load(cpu, task, Task(coming))
    await cpu.switch_to(coming)
    return not exiting


@routine
async def do_exit(cpu: HostCpu) -> None:
    """do_exit(): give up the registers, and let the CPU run somebody else, for good."""
    await cpu.set_flag(cpu.me, Flags.PF_EXITING)
    await cpu.cli()
    await fpu__drop(cpu)
    await schedule_irqs_off(cpu, exiting=True)
