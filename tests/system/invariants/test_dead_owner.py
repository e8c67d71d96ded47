"""I6 of a task that has died elsewhere: the CPU that still notes it as the owner of its registers wrongs nobody."""

from actors.explore.verification import Demand, verify
from actors.machine.model import TILEDATA
from actors.runtime import scenario
from actors.system import Machine
from actors.system.tasks import busy_task


async def busy_thread(cpu):
    await cpu.nop()
    await cpu.nop()


def noted(alive, owner):
    return not alive and owner is not None


@scenario()
def owner_that_died() -> Machine:
    """Is a kernel reported for a note of a dead task?"""
    machine = Machine(2)
    task = machine.host_task(busy_task, perm=TILEDATA, buffer=TILEDATA, name="T")
    machine.kernel_thread(busy_thread)
    machine.interrupts(0, preemption=1)
    machine.migrations(task, to=1)
    machine.sometimes("T is dead, and CPU 0's owner", noted, task.life, machine.kernel.owner.each[0])
    machine.invariants()
    return machine


def test_a_dead_task_may_be_noted_as_the_owner():
    assert verify(owner_that_died, {}, Demand()).verdict == "proved"
