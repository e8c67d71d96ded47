"""What happens around the CPUs: external interrupts, and the load balancer that moves waiting tasks.

Each is a background program with a budget, of one class of event, so that a report can say which class a race needs.
"""

from typing import Any

import msgspec

from actors.machine.handle import Cpu
from actors.machine.state import Placement
from actors.runtime import Device, Footprint, Outcomes, Program, Read, RunQueue, Values, become
from actors.runtime.devices.run_queue import Move
from actors.runtime.devices.variable import Load, Store
from actors.runtime.program import Become
from actors.system.kernel import Kernel
from protocol.handles import Cell
from protocol.registers import Work


async def external_interrupt(cpu: Cpu, kernel: Kernel, budget: int) -> Become | None:
    """An interrupt of the timer: asks for a reschedule and returns by way of irqentry_exit()."""
    if budget == 0:
        return None
    interrupted_cpl = await cpu.external_interrupt()
    await cpu.through(kernel.need_resched, Store(True))
    preemptible = interrupted_cpl != 0 or await cpu.through(kernel.preempt_count, Load()) == 0
    await cpu.iret(Work.RESCHED if preemptible else Work.NONE)
    return become(external_interrupt, cpu, kernel, budget - 1)


class LoadBalancer(Device, frozen=True):
    """Moves tasks from a run queue, but none that is still on its CPU.

    A task that is preempted is put on the queue before its switch_to. Linux leaves it alone until then (task_on_cpu()).
    """

    queue: RunQueue

    def footprint(self, sender: Program, message: Move, read: Read) -> Footprint:
        """Both queues, and where the tasks are."""
        queues = self.queue.footprint(sender, message, read)
        placements = tuple(task.placement for task in message.movable)
        return Footprint((*queues.reads, *placements), queues.writes, self.name)

    def handle(self, sender: Program, message: Move, values: Values) -> Outcomes:
        """One outcome for each task that waits and is off CPU."""
        resting = tuple(task for task in message.movable if _off_cpu(values[task.placement]))
        return self.queue.handle(sender, msgspec.structs.replace(message, movable=resting), values)

    def describe(self, message: Any) -> str:
        """As the queue says it."""
        return self.queue.describe(message)


def _off_cpu(placement: Placement) -> bool:
    return placement.frame is not None


async def migration(
    balancer: LoadBalancer, to: Cell, movable: tuple[Program, ...], budget: int
) -> Become | None:
    """The load balancer: moves a task that waits on one CPU's run queue to another's."""
    if budget == 0:
        return None
    await balancer.send(Move(to, movable))
    return become(migration, balancer, to, movable, budget - 1)
