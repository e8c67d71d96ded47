"""CPUs that go offline and come back: what is lost, what survives, and what reaches them meanwhile."""

import msgspec
import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import Frame, Kind, Placement, cpu_cell
from actors.runtime import scenario, set_label
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.errors import ModelError
from actors.runtime.loading import built_in
from actors.runtime.recorder import Recorder
from actors.system.entry.hotplug import TakeDown
from actors.system.machine import Machine
from actors.system.sched import preempt_disable, preempt_enable
from actors.system.sched.smp import cpu_online
from actors.system.tasks import busy_task, xmm_task
from protocol.handles import Program
from protocol.records import Change

XFD_HOTPLUG = built_in("scenarios")["xfd_hotplug"]


class First:
    """A chooser that lets one of these go wherever it can."""

    def __init__(self, *names):
        self._names = names

    def program(self, execution, enabled):
        del execution
        return next((at for at, one in enumerate(enabled) if one.name in self._names), 0)

    def outcome(self, execution, running, count):
        del execution, running, count
        return 0


CPU_1 = First("hotplug1", "idle1")


def two_cpus(count=1, *, fixes="shipped", cpu="sapphire_rapids", **interrupts):
    world = Machine(cpus=2, fixes=fixes, cpu=cpu)
    world.host_task(busy_task, name="task")
    world.hotplug(1, count)
    world.interrupts(1, **interrupts)
    return world


@pytest.mark.trio
@pytest.mark.parametrize(
    ("fixes", "written"),
    [
        ("shipped", ["wrmsr XFD 0x40000", "this_cpu store xfd_state 0x40000"]),
        ("-10e4b5166df9", ["wrmsr XFD 0x40000"]),
    ],
)
async def test_a_cpu_goes_down_and_comes_up_in_the_kernels_order(tell, fixes, written):
    story = await tell(two_cpus(fixes=fixes), CPU_1)
    assert story.of("hotplug1") == [
        "CPU 1 goes offline",
        "store cpu1.fpu_fpregs_owner_ctx None",
        "reset",
        "set CR4.OSXSAVE",
        *written,
        "xsetbv 0x602e7",
        "wrmsr XSS 0x0",
        "store cpu1.online True",
        "switch_to idle1",
    ]
    order = [(name, text) for name, _, _, text in story.steps]
    dead = order.index(("idle1", "mwait, and is dead"))
    assert order.index(("hotplug1", "CPU 1 goes offline")) < dead < order.index(("hotplug1", "reset"))


@pytest.mark.trio
@pytest.mark.parametrize("cpu", ["sapphire_rapids", "mail_2021"])
async def test_it_is_as_at_boot_then_and_idles(tell, cpu):
    world = two_cpus(cpu=cpu)
    booted = world.cells[cpu_cell(1)]
    story = await tell(world, CPU_1)
    after = story.execution.cells[cpu_cell(1)]
    assert (after.x, after.cr4_osxsave, after.top.program) == (booted.x, True, Program("idle1"))
    assert after.x.xfd == (TILEDATA if cpu == "sapphire_rapids" else TILEDATA | HYPOTHETICAL)
    assert story.execution.cells[cpu_online(1).cell] is True
    assert story.execution.cells[Program("hotplug1").placement].frame.kind is Kind.BOOT


@pytest.mark.trio
@pytest.mark.parametrize("count", [0, 1, 3])
async def test_as_often_as_its_budget_allows_and_no_more(tell, count):
    story = await tell(two_cpus(count), CPU_1)
    assert story.of("hotplug1").count("reset") == count


@pytest.mark.trio
async def test_per_cpu_memory_survives(tell):
    world = two_cpus(fixes="-10e4b5166df9")
    world.cells[world.kernel.xfd_state.each[1].cell] = 0
    world.cells[world.kernel.owner.each[1].cell] = Program("task")
    story = await tell(world, CPU_1)
    assert story.execution.cells[world.kernel.xfd_state.each[1].cell] == 0
    assert story.execution.cells[world.kernel.owner.each[1].cell] is None


@pytest.mark.trio
async def test_nothing_reaches_a_cpu_that_is_down(sample):
    world = two_cpus(external=1, nmi=1, mce=1)
    world.host_task(busy_task, name="waits")
    down = 0
    for story in await sample(world, 150):
        assert story.execution.ending == "finished", story.execution.violation
        for (name, _, _, _), states in zip(story.steps, story.states, strict=True):
            cpu = states.get(cpu_cell(1))
            if cpu is not None and cpu.stopped and states.get(Program(name).placement) == Placement(1):
                down += 1
                assert name == "hotplug1"
    assert down > 200


def offline(online):
    return not online


@scenario()
def a_busy_cpu(waits: bool = True) -> Machine:
    """Does a CPU go offline while somebody runs there, or waits to?

    Two tasks run on CPU 1 one behind the other; the second may be moved away, and back.
    """
    world = Machine(cpus=2)
    world.host_task(busy_task, name="other")
    world.host_task(xmm_task, 7, cpu=1, name="task")
    world.hotplug(1)
    if waits:
        moved = world.host_task(busy_task, cpu=1, name="moved")
        world.migrations(moved, source=1, to=0, back=True, count=2)
    online, queue = cpu_online(1).cell, world.kernel.runqueue.each[1]
    world.always(
        "nobody waits for a CPU that is offline", lambda up, waiting: up or not waiting, online, queue
    )
    world.always("idle1 is there alone", only_idle, online, cpu_cell(1))
    world.sometimes("CPU 1 is offline", offline, online)
    return world


def only_idle(up, cpu):
    return up or cpu.top.program.name in {"idle1", "hotplug1"}


@pytest.mark.parametrize("waits", [False, True])
def test_a_cpu_goes_offline_when_its_idle_task_is_there_alone_and_nobody_is_moved_there_then(waits):
    assert verify(a_busy_cpu, {"waits": waits}, Demand()).verdict == "proved"


async def looks_twice(cpu, closed):
    await cpu.syscall()
    if closed:
        await preempt_disable(cpu)
    before = await cpu.read(cpu_online(1))
    after = await cpu.read(cpu_online(1))
    set_label("lost", before and not after)
    if closed:
        await preempt_enable(cpu)
    await cpu.iret()


@scenario()
def one_that_looks_twice(closed: bool = True) -> Machine:
    """Does a CPU stay online for somebody who has preemption off?

    stop_machine() has to run everywhere before it goes.
    """
    world = Machine(cpus=2)
    task = world.host_task(looks_twice, closed, name="task")
    world.hotplug(1)
    world.always("it stays", lambda label: label is not True, task.label("lost"))
    world.sometimes("it goes", offline, cpu_online(1))
    return world


@pytest.mark.parametrize(("closed", "verdict"), [(True, "proved"), (False, "violated")])
def test_preemption_off_anywhere_keeps_a_cpu_online(closed, verdict):
    assert verify(one_that_looks_twice, {"closed": closed}, Demand()).verdict == verdict


def test_a_cpu_that_idles_gives_its_stopper_the_cpu_wherever_it_is():
    world = Machine(cpus=2)
    world.host_task(busy_task, cpu=1, name="task")
    world.hotplug(1)
    mask = next(spec.args[1] for spec in world.programs if spec.handle == Program("hotplug1"))
    cpus = {number: world.cells[cpu_cell(number)] for number in range(2)}
    idle1 = msgspec.structs.replace(cpus[1], frames=(Frame(Program("idle1"), Kind.TASK),))
    values = {
        **world.cells,
        cpu_cell(0): msgspec.structs.replace(cpus[0], interrupt_flag=False),
        cpu_cell(1): idle1,
    }
    assert mask.handle(Program("hotplug1"), TakeDown(), values), (
        "idle0 has interrupts off, and will come round"
    )
    values[cpu_cell(1)] = msgspec.structs.replace(idle1, interrupt_flag=False)
    assert not mask.handle(Program("hotplug1"), TakeDown(), values), "idle1 may have chosen somebody to run"


# Refused.


def test_the_only_cpu_stays():
    world = Machine()
    with pytest.raises(ModelError, match="the only CPU of a machine cannot go offline; give it 2"):
        world.hotplug(0)


def test_the_load_balancer_has_to_know():
    world = Machine(cpus=2)
    task = world.host_task(busy_task)
    world.migrations(task, to=1)
    with pytest.raises(ModelError, match="say hotplug\\(\\) before migrations\\(\\)"):
        world.hotplug(1)


def test_nobody_is_moved_to_where_he_is():
    world = Machine(cpus=2)
    task = world.host_task(busy_task)
    with pytest.raises(ModelError, match="CPU 0 is where busy_task would be moved from"):
        world.migrations(task, to=0)


def test_there_is_no_such_cpu():
    with pytest.raises(ModelError, match="there is no CPU 2"):
        two_cpus().hotplug(2)


# The bug, by the parameter that switches it on.


@pytest.mark.parametrize(
    ("fixes", "verdict", "violated", "states"),
    [
        ("shipped", "proved", (), 7_189),
        ("-10e4b5166df9", "violated", ("T: Die",), 6_670),
        ("all", "proved", (), 7_189),
    ],
)
def test_the_stale_copy_kills_the_kernel_unless_it_is_written_with_the_register(
    fixes, verdict, violated, states
):
    found = verify(XFD_HOTPLUG, XFD_HOTPLUG.convert({"fixes": fixes}), Demand())
    assert (found.verdict, found.recorded.names if found.recorded else ()) == (verdict, violated)
    assert found.states == states


# How it is told.


@pytest.mark.trio
async def test_a_cpu_that_goes_and_a_task_that_is_moved_are_events_told_in_short():
    world = two_cpus(fixes="-10e4b5166df9")
    moved = world.host_task(busy_task, name="moved")
    world.migrations(moved, to=1, back=True, count=2)
    recorder = Recorder()
    async with open_driver(world) as driver:
        await driver.run(First("hotplug1", "idle1", "migration"), observer=recorder)
    told = {(one.program, one.text): one for one in recorder.steps}
    down = told["hotplug1", "CPU 1 goes offline"]
    assert (down.event, down.changes, down.reply) == ("hotplug", (), "")
    move = told["migration", "move to cpu1"]
    assert (move.event, move.reply) == ("migration", "moved")
    assert {one.event for one in recorder.steps if one.text == "reset"} == {""}
    reset = told["hotplug1", "reset"]
    assert [change.field for change in reset.changes] == ["XFD", "XCR0", "CR4.OSXSAVE"]


@pytest.mark.trio
async def test_a_store_to_a_per_cpu_variable_names_it_once():
    world = Machine(cpus=2)
    world.host_task(xmm_task, 7, buffer=TILEDATA, loaded=False, name="task")
    recorder = Recorder()
    async with open_driver(world) as driver:
        await driver.run(First(), observer=recorder)
    stores = [one.changes for one in recorder.steps if one.text == "this_cpu store"]
    assert stores[0] == (Change("cpu0.xfd_state", "xfd_state", "0x40000", "0"),)
    assert stores[1] == (Change("cpu0.fpu_fpregs_owner_ctx", "fpu_fpregs_owner_ctx", "None", "task"),)


@pytest.mark.trio
async def test_the_death_of_a_cpus_registers_is_said_so_that_a_chart_shows_it():
    recorder = Recorder()
    async with open_driver(two_cpus()) as driver:
        await driver.run(CPU_1, observer=recorder)
    said = [
        (step.text, step.labels) for step in recorder.steps if any(name == "gone" for name, _ in step.labels)
    ]
    assert said == [("store cpu1.fpu_fpregs_owner_ctx None", (("gone", "True"),))]
