"""The task that runs when no other can: it gives the tiles up, waits, and switches to what comes."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import TILEDATA
from actors.machine.state import cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import become, scenario, set_label
from actors.runtime.devices.variable import Await, Store
from actors.system.entry.common import syscall
from actors.system.invariants import is_set, not_false
from actors.system.kernel.data import Task
from actors.system.kernel.flags import Flags
from actors.system.kernel.mutants import Mutant
from actors.system.kernel.preempt_count import PREEMPT_MASK
from actors.system.machine import Machine
from actors.system.sched.idle import cpuidle_idle_call
from actors.system.sched.schedule import schedule
from actors.system.signals.ptrace import WAIT_TASK_INACTIVE, Inactive
from actors.system.tasks import busy_task
from actors.system.xstate.kernel_fpu import use_fpu
from tests.system.calling import inside, one_task
from tests.system.orders import InTurn

TILE = b"\x55" * 1024


@pytest.mark.trio
async def test_it_has_the_cpu_back_when_the_last_task_is_gone(tell):
    world = Machine()
    world.host_task(busy_task, name="only")
    story = await tell(world)
    assert story.of("only")[-3:] == ["this_cpu load idle_task", "load only->fpu.fpstate", "switch_to idle0"]
    assert story.execution.cells[cpu_cell(0)].top.program.name == "idle0"


def test_it_is_a_kernel_thread_on_each_cpu_and_on_no_run_queue():
    world = Machine(cpus=2)
    flags = [world.cells[cell] for cell in world.cells if cell.name in {"idle0->flags", "idle1->flags"}]
    assert flags == [Flags.PF_KTHREAD, Flags.PF_KTHREAD]
    assert [world.cells[queue.cell] for queue in world.kernel.runqueue.each] == [(), ()]
    assert not [cell for cell in world.cells if cell.name.startswith("idle") and "fpu" in cell.name]


async def waits_long(cpu):
    for _ in range(6):
        await cpu.nop()


@pytest.mark.trio
async def test_it_goes_round_each_time_with_a_look_at_the_tiles_before_it_waits(tell):
    world = Machine(cpus=2)
    world.host_task(waits_long, name="first")
    moved = world.host_task(busy_task, name="moved")
    world.migrations(moved, to=1)
    story = await tell(world, InTurn("idle1", "moved", "migration"))
    assert story.of("idle1") == [
        "cli",
        "xgetbv 1",
        "sti",
        "nop",
        "this_cpu wait on runqueue",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of idle1",
        "read the flags of idle1",
        "switch_to moved",
        "set TIF_NEED_FPU_LOAD of idle1",
        "sti",
        "cli",
        "xgetbv 1",
        "sti",
        "nop",
    ], "then there is nothing to run"


@pytest.mark.trio
async def test_it_asks_the_cpu_whether_tiles_are_in_use_with_interrupts_off(tell):
    assert inside(await tell(one_task(cpuidle_idle_call))) == ["cli", "xgetbv 1", "sti", "nop"]


# A task that sleeps with tiles in use.


async def sleeps(cpu, asleep):
    await cpu.write(asleep, True)
    await schedule(cpu, sleeping=True)


async def sleeps_twice(cpu, asleep):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await syscall(cpu, sleeps, asleep)
    await syscall(cpu, sleeps, asleep)
    set_label("kept", await cpu.tilestored(0) == TILE)


async def wakes(task, asleep, queue, budget):
    if budget == 0:
        return None
    await asleep.send(Await(True))
    await asleep.send(Store(False))
    await WAIT_TASK_INACTIVE.send(Inactive(task))
    await queue.add(task.program)
    return become(wakes, task, asleep, queue, budget - 1)


def idles_with_preemption_off(cpu, count):
    return cpu.frames[0].program.name != "idle0" or count & PREEMPT_MASK >= 1


def idles(cpu):
    return cpu.top.program.name == "idle0" and cpu.interrupt_flag


@scenario()
def sleeper(softirq: int = 1, mutant: Mutant = "none") -> Machine:
    """Does a task that sleeps twice with tiles in use find them again?

    The idle task gives them up each time; an interrupt comes wherever it can.
    """
    world = Machine(softirq=use_fpu, mutant=mutant)
    asleep = world.variable("asleep", False)
    task = world.host_task(sleeps_twice, asleep, perm=TILEDATA, buffer=TILEDATA, name="task")
    world.interrupts(softirq=softirq)
    queue = world.kernel.runqueue.each[0]
    world.source(wakes, Task(task), asleep, queue, 2, event="wakeup", budget=2, name="waker")
    world.always("kept", not_false, task.label("kept"))
    count = world.kernel.preempt_count.each[0]
    world.always("preemption is off in the idle task", idles_with_preemption_off, cpu_cell(0), count)
    world.sometimes("the CPU idles, and takes interrupts", idles, cpu_cell(0))
    world.sometimes("it wakes up twice", is_set, task.label("kept"))
    world.invariants()
    return world


@pytest.mark.parametrize(
    ("mutant", "verdict"),
    [("none", "proved"), ("idle_owner_kept", "violated"), ("switch_unsaved", "violated")],
)
def test_a_task_that_sleeps_twice_finds_its_tiles_and_no_invariant_is_broken_meanwhile(mutant, verdict):
    found = verify(sleeper, {"mutant": mutant}, Demand())
    assert found.verdict == verdict, found.recorded and found.recorded.names
    if mutant == "none":
        assert all(found.sometimes.values())
