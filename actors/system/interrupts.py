"""What happens around the CPUs: external interrupts, and the load balancer that moves waiting tasks.

Each is a background program with a budget, of one class of event, so that a report can say which class a race needs.
"""

from actors.machine.handle import Cpu
from actors.runtime import Program, RunQueue, become
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


async def migration(queue: RunQueue, to: Cell, movable: tuple[Program, ...], budget: int) -> Become | None:
    """The load balancer: moves a task that waits on one CPU's run queue to another's."""
    if budget == 0:
        return None
    await queue.send(Move(to, movable))
    return become(migration, queue, to, movable, budget - 1)
