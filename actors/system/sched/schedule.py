"""schedule(): the context switch, and a task's last steps.

Follows kernel/sched/core.c and kernel/exit.c in the order that matters here: the previous task's half runs before switch_to, and
what follows switch_to in the source runs only when somebody switches back. Which task is next is the run queue's choice. There
is one scheduling class and one run queue a CPU; its lock, which is held with interrupts off, is left out, since nobody else
looks at the tasks of a CPU that switches.

Preemption is off from before interrupts go off until after they are on again: whoever switches does so with preempt_count 1, and
finds 1 there when it is switched back to. The idle task never has less. In Linux an interrupt that comes while they are on again,
and preemption is off still, has its reschedule done by a loop (`while (need_resched())`). Here preemption is on with the next
instruction, in the shadow of STI: the interrupt comes behind it, and preempts the task itself.
"""

from actors.runtime import Program, routine
from actors.runtime.devices.run_queue import Add, Pick
from actors.system.fpu.pkru import x86_pkru_load
from actors.system.fpu.switch import fpstate_free, fpu__drop, switch_fpu_finish, switch_fpu_prepare
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.kernel.flags import Flags
from actors.system.kernel.preempt_count import PREEMPT_OFFSET
from actors.system.sched.count import preempt_disable, preempt_enable_no_resched


class Bug(Exception):
    """The kernel stops: it found that its own code breaks a rule, and says so in its own words."""


@routine
async def schedule(cpu: HostCpu, *, sleeping: bool = False) -> None:
    """schedule(): let another runnable task have the CPU, if there is one; called with interrupts on.

    A task that is `sleeping`, whose __state says that it waits for something, is on no run queue until somebody wakes it.
    """
    await __schedule(cpu, await preempt_disable(cpu), sleeping=sleeping)
    await preempt_enable_no_resched(cpu)


@routine
async def __schedule(
    cpu: HostCpu, count: int, *, dead: bool = False, sleeping: bool = False, kthread: bool = False
) -> None:
    """__schedule(), called with a preempt_count of 1, which is `count`; raises Bug in an atomic section (schedule_debug())."""
    if count != PREEMPT_OFFSET:
        raise Bug(f"BUG: scheduling while atomic: {(await cpu.current()).name}")
    await cpu.cli()
    coming: Program | None = await cpu.through(cpu.kernel.runqueue, Pick())
    await cpu.clear_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    if coming is not None or dead or sleeping:
        await context_switch(cpu, coming, dead=dead, sleeping=sleeping, kthread=kthread)
    if not dead:
        await cpu.sti()


@routine
async def context_switch(
    cpu: HostCpu, coming: Program | None, *, dead: bool, sleeping: bool, kthread: bool
) -> None:
    """context_switch(), up to switch_to, and behind the task's own; to the idle task if nobody is `coming`.

    switch_fpu_prepare() stands behind the pick, since __switch_to() calls it: where nobody else is picked, nothing is saved.

    Linux saves a dead task's registers, too, where nobody will look for them, and frees what a dead user task had when somebody
    else runs. Here it does that itself, last of all.
    """
    kernel, task = cpu.kernel, cpu.me
    if not dead:
        await switch_fpu_prepare(cpu)
        if not task.idle and not sleeping:
            await cpu.through(kernel.runqueue, Add(task.program))
    coming = coming or await cpu.this_cpu_read(kernel.idle)
    if kernel.ospke:
        await x86_pkru_load(cpu, task, Task(coming))
    if dead and not kthread and kernel.dynamic:
        await fpstate_free(cpu)
    await cpu.switch_to(coming)
    if not dead:
        await switch_fpu_finish(cpu)


@routine
async def do_exit(cpu: HostCpu) -> None:
    """do_exit(): give up the registers (exit_thread()), and let the CPU run somebody else, for good (do_task_dead())."""
    flags = await cpu.set_flag(cpu.me, Flags.PF_EXITING)
    await fpu__drop(cpu)
    kthread = bool(flags & Flags.PF_KTHREAD)
    await __schedule(cpu, await preempt_disable(cpu), dead=True, kthread=kthread)
