"""What happens around the CPUs: external interrupts, and the load balancer that moves waiting tasks.

Each is a background program with a budget, of one class of event, so that a report can say which class a race needs.
What a handler leaves to be done follows kernel/entry/common.c, the tick kernel/sched/core.c.
"""

from typing import Any

import msgspec

from actors.machine.state import Placement
from actors.runtime import Device, Footprint, Outcomes, Program, Read, RunQueue, Values, become, routine
from actors.runtime.devices.run_queue import Move
from actors.runtime.program import Become, Behaviour
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.flags import Flags
from actors.system.kernel.preempt_count import BH_DISABLED
from actors.system.sched.softirq import irq_enter, irq_exit, raise_softirq_irqoff
from actors.system.xstate.kernel_fpu import irq_fpu_usable, use_fpu
from protocol.handles import Cell
from protocol.registers import Work


async def interrupt_source(cpu: HostCpu, handler: Behaviour, budget: int) -> Become | None:
    """A device that raises at most `budget` interrupts, each handled by `handler`."""
    if budget == 0:
        return None
    interrupted_cpl = await cpu.external_interrupt()
    await irq_enter(cpu)
    await handler(cpu)
    count = await irq_exit(cpu)
    await cpu.iret(await work_left(cpu, interrupted_cpl, count))
    return become(interrupt_source, cpu, handler, budget - 1)


@routine
async def work_left(cpu: HostCpu, interrupted_cpl: int, count: int) -> Work:
    """irqentry_exit(): what is to be done in the program that was interrupted, if anything; `count` is preempt_count."""
    if interrupted_cpl:
        return Work.EXIT_TO_USER
    if cpu.kernel.is_mutant("preempted_in_lock"):
        count &= ~BH_DISABLED
    if count == 0 and await cpu.read_flags(await cpu.current()) & Flags.TIF_NEED_RESCHED:
        return Work.RESCHED
    return Work.NONE


@routine
async def timer_interrupt(cpu: HostCpu) -> None:
    """resched_curr(): the tick, when the current task has had its time."""
    await cpu.set_flag(await cpu.current(), Flags.TIF_NEED_RESCHED)


@routine
async def device_interrupt(cpu: HostCpu) -> None:
    """A device has something for its softirq to do."""
    await raise_softirq_irqoff(cpu)


@routine
async def fpu_interrupt(cpu: HostCpu) -> None:
    """A device whose handler computes with vector registers itself, where it may, and does without them elsewhere."""
    if await irq_fpu_usable(cpu):
        await use_fpu(cpu)


class LoadBalancer(Device, frozen=True):
    """Moves tasks from a run queue, but none that is still on its CPU.

    A task that is preempted is put on the queue before its switch_to. Linux leaves it alone until then (task_on_cpu()). Nobody is
    moved to a CPU that is offline; `online` is its bit in cpu_online_mask, if it can be (cpu_active_mask in Linux).
    """

    queue: RunQueue
    online: Cell | None = None

    def footprint(self, sender: Program, message: Move, read: Read) -> Footprint:
        """Both queues, and where the tasks are."""
        queues = self.queue.footprint(sender, message, read)
        placements = tuple(task.placement for task in message.movable)
        up = () if self.online is None else (self.online,)
        return Footprint((*queues.reads, *placements, *up), queues.writes, self.name)

    def handle(self, sender: Program, message: Move, values: Values) -> Outcomes:
        """One outcome for each task that waits and is off CPU."""
        if self.online is not None and not values[self.online]:
            return ()
        resting = tuple(task for task in message.movable if _off_cpu(values[task.placement]))
        return self.queue.handle(sender, msgspec.structs.replace(message, movable=resting), values)

    def describe(self, message: Any) -> str:
        """As the queue says it."""
        return self.queue.describe(message)


def _off_cpu(placement: Placement) -> bool:
    return placement.frame is not None


async def migration(
    ways: tuple[tuple[LoadBalancer, Cell], ...], movable: tuple[Program, ...], budget: int
) -> Become | None:
    """The load balancer: moves a task that waits on one CPU's run queue to another's, by each of `ways` in turn."""
    if budget == 0:
        return None
    (balancer, to), *others = ways
    await balancer.send(Move(to, movable))
    return become(migration, (*others, ways[0]), movable, budget - 1)
