"""PKRU: it goes with the task at each switch, to a child at fork(2), and is the initial one at exec and for a handler."""

import importlib

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.state import cpu_cell
from actors.runtime import scenario, set_label
from actors.runtime.errors import ModelError
from actors.system.entry.common import syscall
from actors.system.fork import execve, kernel_clone
from actors.system.fpu.pkru import INIT_PKRU
from actors.system.invariants import not_false
from actors.system.kernel.data import Sigaction, Task
from actors.system.machine import Machine
from actors.system.sched import schedule
from actors.system.tasks import busy_task
from protocol.handles import Program
from protocol.registers import Component
from tests.system.signals.worlds import signalled
from tests.system.test_hotplug import First

A, B = 0xAAAA_AAA8, 0x3333_3330


async def protects(cpu, value):
    """Write PKRU, let others run, and see what is in it."""
    set_label("initial", await cpu.rdpkru() == INIT_PKRU)
    await cpu.wrpkru(value)
    await syscall(cpu, schedule)
    set_label("kept", await cpu.rdpkru() == value)


async def waits(cpu):
    """A kernel thread that has the CPU for a moment."""
    set_label("pkru", await cpu.rdpkru())
    await schedule(cpu)


@scenario()
def two_keys(cpus: int = 1, timer: int = 1) -> Machine:
    """Does each task find its own PKRU, and nobody another's?"""
    machine = Machine(cpus, pkru=True)
    tasks = [machine.host_task(protects, value, name=name) for name, value in (("A", A), ("B", B))]
    for task, value in zip(tasks, (A, B), strict=True):
        machine.secret(task, value)
        machine.always(f"{task.name} finds its PKRU", not_false, task.label("kept"))
        machine.always(f"{task.name} begins with the initial one", not_false, task.label("initial"))
        machine.sometimes(f"{task.name} looks", bool, task.label("kept"))
    machine.interrupts(external=timer)
    if cpus > 1:
        machine.migrations(tasks[1], to=1)
    machine.invariants("I9")
    return machine


@pytest.mark.parametrize(("cpus", "timer"), [(1, 2), (2, 1)])
def test_it_is_switched_with_the_task(cpus, timer):
    assert verify(two_keys, {"cpus": cpus, "timer": timer}, Demand()).verdict == "proved"


async def switches_nothing(cpu, prev, next_):
    """A bug: PKRU is left to the next task."""


async def keeps_nothing(cpu, prev, next_):
    """A bug: the value of the task that leaves is not kept."""
    before = await cpu.rdpkru()
    after = await cpu.read(next_.pkru)
    if before != after:
        await cpu.wrpkru(after)


async def keeps_it_for_the_other(cpu, prev, next_):
    """A bug: the value is kept in the task that comes."""
    await cpu.write(next_.pkru, await cpu.rdpkru())


@pytest.mark.parametrize(
    ("bug", "broken"),
    [
        (switches_nothing, "I9: B finds nobody else's value in registers"),
        (keeps_nothing, "A finds its PKRU"),
        (keeps_it_for_the_other, "I9: B's thread.pkru is nobody else's value"),
    ],
)
def test_each_line_of_the_switch_is_needed(monkeypatch, bug, broken):
    schedule_py = importlib.import_module("actors.system.sched.schedule")
    monkeypatch.setattr(schedule_py, "x86_pkru_load", bug)
    found = verify(two_keys, {"timer": 1}, Demand())
    assert found.verdict == "violated"
    assert broken in found.recorded.names


@pytest.mark.trio
async def test_a_kernel_thread_runs_with_the_initial_one_and_not_with_its_predecessors(tell):
    world = Machine(pkru=True)
    world.host_task(protects, A, name="A")
    thread = world.kernel_thread(waits)
    story = await tell(world)
    assert story.labels(thread.name)["pkru"] == INIT_PKRU
    assert story.labels("A")["kept"] is True


async def looks(cpu):
    set_label("pkru", await cpu.rdpkru())


async def forks(cpu, child, code):
    await cpu.wrpkru(A)
    await syscall(cpu, kernel_clone, child, code)
    await cpu.wrpkru(B)


@pytest.mark.trio
async def test_a_child_has_its_parents_pkru_of_that_moment(sample):
    world = Machine(pkru=True)
    parent = world.host_task(forks, Task(Program("p.c")), looks, name="p")
    world.permissions(parent)
    world.child(parent, "c")
    world.interrupts(external=1)
    for story in await sample(world, 20):
        assert story.labels("p.c")["pkru"] == A


async def executes(cpu):
    await cpu.wrpkru(A)
    await execve(cpu, looks)


@pytest.mark.trio
async def test_exec_leaves_the_initial_one(tell):
    world = Machine(pkru=True)
    task = world.host_task(executes, name="task")
    world.permissions(task)
    assert (await tell(world)).labels("task")["pkru"] == INIT_PKRU


async def handler(cpu, frame):
    set_label("handler", await cpu.rdpkru())
    return frame


async def writes_and_waits(cpu):
    await cpu.wrpkru(A)
    await cpu.nop()
    await cpu.nop()


@pytest.mark.trio
async def test_a_handler_begins_with_the_initial_one(tell, before_message):
    world = Machine(pkru=True)
    task = world.host_task(
        writes_and_waits, name="task", sigaction=Sigaction(handler, world.user_frame("frame"))
    )
    world.signals(task)
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.labels("task")["handler"] == INIT_PKRU


@pytest.mark.trio
async def test_a_kernel_without_protection_keys_sends_nothing_and_has_no_place_to_keep_one(tell):
    world = Machine()
    task = world.host_task(busy_task, name="task")
    world.host_task(busy_task, name="other")
    world.interrupts(external=1)
    assert Task(task).pkru.cell not in world.cells
    story = await tell(world)
    assert not [text for _, _, _, text in story.steps if "pkru" in text]


@pytest.mark.trio
async def test_nobody_writes_pkru_that_is_not_switched(tell):
    world = Machine()
    world.host_task(protects, A, name="A")
    with pytest.RaisesGroup(ModelError, allow_unwrapped=True, flatten_subgroups=True):
        await tell(world)


def test_no_other_world_has_conditions_about_it():
    world, _ = signalled()
    world.invariants("I9")
    assert not [condition for condition in world.conditions if "pkru" in condition.name]


@pytest.mark.trio
async def test_a_cpu_that_comes_up_has_the_initial_one(tell):
    world = Machine(2, pkru=True)
    world.host_task(busy_task, name="task")
    world.hotplug(1)
    story = await tell(world, First("hotplug1", "idle1"))
    assert [text for text in story.of("hotplug1") if "pkru" in text]
    x = story.execution.cells[cpu_cell(1)].x
    assert int.from_bytes(x.held(Component.PKRU), "little") == INIT_PKRU
