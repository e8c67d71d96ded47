"""schedule() in its order, and preemption where the kernel has it and nowhere else."""

import pytest

from actors.machine.model import TILEDATA
from actors.machine.state import cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.runtime.devices.run_queue import Move
from actors.system.invariants import not_false
from actors.system.machine import Machine
from actors.system.sched import cond_resched, preempt_disable, preempt_enable
from actors.system.tasks import amx_task, busy_task
from protocol import instructions as op

TILE = b"\x55" * 1024


async def two_stores_in_user_mode(cpu):
    await cpu.nop()
    await cpu.xgetbv()


def two_tasks(*, irq=1, perm=0):
    world = Machine()
    world.host_task(two_stores_in_user_mode, name="first", perm=perm)
    world.host_task(busy_task, name="second")
    world.interrupts(external=irq)
    return world


@pytest.mark.trio
async def test_a_preempted_task_saves_queues_itself_switches_and_loads_again_when_it_is_back(
    tell, before_message
):
    story = await tell(two_tasks(), before_message("irq0", "first", "xgetbv"))
    texts = story.of("first")
    assert texts[: texts.index("syscall")] == [
        "cli",
        "iret",
        "nop",
        "xgetbv 0",  # interrupted: it has not run
        "this_cpu store need_resched False",
        "this_cpu pick from runqueue",
        "xsaves TILECFG|TILEDATA",
        "this_cpu enqueue first on runqueue",
        "switch_to second",
        "load first->fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors TILECFG|TILEDATA",
        "iret",
        "xgetbv 0",
    ]


@pytest.mark.trio
async def test_what_stands_behind_switch_to_runs_when_somebody_switches_back(tell, before_message):
    story = await tell(two_tasks(), before_message("irq0", "first", "xgetbv"))
    order = [(name, text) for name, _, _, text in story.steps]
    away = order.index(("first", "switch_to second"))
    back = order.index(("second", "switch_to first"))
    assert away < back < order.index(("first", "load first->fpstate.xfd"))
    assert {name for name, _ in order[away + 1 : back]} == {"second"}


@pytest.mark.trio
async def test_a_new_task_loads_its_own_state_with_interrupts_off_before_its_body(tell):
    texts = (await tell(two_tasks(irq=0))).of("second")
    assert texts[:6] == [
        "load second->fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors TILECFG|TILEDATA",
        "sti",
        "cli",
        "iret",
    ]


@pytest.mark.trio
async def test_a_task_that_exits_saves_nothing_and_does_not_queue_itself(tell):
    texts = (await tell(two_tasks(irq=0))).of("first")
    assert texts[texts.index("syscall") :] == [
        "syscall",
        "cli",
        "this_cpu store need_resched False",
        "this_cpu pick from runqueue",
        "switch_to second",
    ]


@pytest.mark.trio
async def test_without_anybody_waiting_a_preempted_task_goes_on(tell, before_message):
    world = Machine()
    world.host_task(two_stores_in_user_mode, name="first")
    world.interrupts(external=1)
    texts = (await tell(world, before_message("irq0", "first", "xgetbv"))).of("first")
    assert texts[2:9] == [
        "nop",
        "xgetbv 0",
        "this_cpu store need_resched False",
        "this_cpu pick from runqueue",
        "iret",
        "xgetbv 0",
        "syscall",
    ]


@pytest.mark.trio
async def test_without_an_interrupt_nobody_is_preempted(sample):
    for story in await sample(two_tasks(irq=0), 20):
        picks = [name for name, _, _, text in story.steps if "pick from" in text]
        assert picks[:2] == ["first", "second"]
        assert story.of("first").count("this_cpu pick from runqueue") == 1


# preempt_count.


async def inside_a_window(cpu, closed):
    await cpu.syscall()
    if closed:
        await preempt_disable(cpu)
    set_label("inside", True)
    await cpu.nop()
    await cpu.nop()
    set_label("inside", False)
    if closed:
        await preempt_enable(cpu)
    await cpu.iret()


def stays(placement, inside):
    return placement.cpu is not None or not inside


def window(*, closed):
    world = Machine()
    task = world.host_task(inside_a_window, closed, name="task")
    world.host_task(busy_task, name="busy")
    world.interrupts(external=2)
    world.always("never off cpu inside", stays, task.placement, task.label("inside"))
    return world


@pytest.mark.trio
async def test_preempt_disable_closes_a_window_that_is_open_without_it(sample):
    endings = {
        closed: {story.execution.ending for story in await sample(window(closed=closed), 150)}
        for closed in (False, True)
    }
    assert endings == {False: {"finished", "violated"}, True: {"finished"}}


@pytest.mark.trio
async def test_what_an_interrupt_asked_for_inside_is_done_at_preempt_enable(tell, when):
    landing = when("irq0", lambda execution: execution.running["task"].labels.get("inside"))
    texts = (await tell(window(closed=True), landing)).of("task")
    enabled = texts.index("this_cpu add preempt_count -1")
    assert texts[enabled + 1 : enabled + 5] == [
        "this_cpu load need_resched",
        "cli",
        "this_cpu store need_resched False",
        "this_cpu pick from runqueue",
    ]
    assert "switch_to busy" in texts[enabled:]
    assert "switch_to busy" not in texts[:enabled]


async def nested(cpu):
    await cpu.syscall()
    await preempt_disable(cpu)
    await preempt_disable(cpu)
    await preempt_enable(cpu)
    set_label("outer")
    await preempt_enable(cpu)
    await cond_resched(cpu)
    await cpu.iret()


@pytest.mark.trio
async def test_only_the_outermost_preempt_enable_is_a_preemption_point(tell):
    world = Machine()
    world.host_task(nested, name="task")
    texts = (await tell(world)).of("task")
    assert [text for text in texts if "preempt_count" in text or "need_resched" in text][:6] == [
        "this_cpu add preempt_count 1",
        "this_cpu add preempt_count 1",
        "this_cpu add preempt_count -1",
        "this_cpu add preempt_count -1",
        "this_cpu load need_resched",  # preempt_enable
        "this_cpu load need_resched",  # cond_resched
    ]


@pytest.mark.trio
async def test_nobody_is_switched_away_from_with_a_count_above_zero(sample):
    world = Machine()
    for name in ("one", "two"):
        world.host_task(amx_task, TILE, perm=TILEDATA, name=name)
    world.interrupts(external=2)
    count = world.kernel.preempt_count.each[0].cell
    switched = 0
    for story in await sample(world, 60):
        depth = asked = 0
        for _, message, _, text in story.steps:
            if text.startswith("this_cpu add preempt_count"):
                depth += int(text.split()[-1])
            asked += text == "this_cpu store need_resched True"
            if isinstance(message, op.SwitchTo):
                assert depth == 0
                switched += asked > 0
                asked = 0
        assert story.execution.cells[count] == 0
    assert switched > 20


# What a task has keeps.


async def keeps_its_tile(cpu, tile):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, tile)
    await cpu.nop()
    set_label("intact", await cpu.tilestored(0) == tile and await cpu.sttilecfg() == config(16))


@pytest.mark.trio
async def test_a_task_has_its_tile_state_again_after_being_preempted_by_another_that_uses_tiles(sample):
    world = Machine()
    for name, tile in (("one", b"\x55"), ("two", b"\xaa")):
        task = world.host_task(keeps_its_tile, tile * 1024, perm=TILEDATA, name=name)
        world.always(f"{name} keeps its tile", not_false, task.label("intact"))
    world.interrupts(external=3)
    preempted_with_tiles = 0
    for story in await sample(world, 150):
        assert story.execution.violation is None
        assert story.labels("one") == story.labels("two") | {"nm": True} == {"nm": True, "intact": True}
        loaded = False
        for name, message, _, _ in story.steps:
            loaded = loaded or (name == "one" and isinstance(message, op.Tileloadd))
            if loaded and name == "one" and isinstance(message, op.Tilestored):
                break
            preempted_with_tiles += loaded and message == op.SwitchTo(op.Program("two"))
    assert preempted_with_tiles > 10


# Idle, and several CPUs.


@pytest.mark.trio
async def test_the_idle_task_waits_runs_what_comes_and_gets_the_cpu_back(tell):
    world = Machine()
    world.host_task(busy_task, name="only")
    story = await tell(world)
    assert story.of("only")[-1] == "switch_to idle0"
    assert story.execution.cells[cpu_cell(0)].top.program.name == "idle0"


def smp(count=1):
    world = Machine(cpus=2)
    world.host_task(busy_task, name="first")
    moved = world.host_task(amx_task, TILE, perm=TILEDATA, name="moved")
    world.interrupts(external=1)
    world.migrations(moved, to=1, count=count)
    return world


@pytest.mark.trio
async def test_the_other_cpus_idle_task_runs_a_task_that_was_moved_there(tell, when):
    story = await tell(smp(), when("migration", lambda execution: execution.steps >= 0))
    idle = story.of("idle1")
    assert idle[:5] == [
        "this_cpu wait on runqueue",
        "cli",
        "this_cpu store need_resched False",
        "this_cpu pick from runqueue",
        "switch_to moved",
    ]
    assert "xsaves TILECFG|TILEDATA" not in idle, "a kernel thread has no fpstate"
    assert story.labels("moved")["loaded"] is True


@pytest.mark.trio
async def test_a_task_migrates_only_while_it_is_off_cpu_and_never_runs_on_two(sample):
    moved = 0
    for story in await sample(smp(), 150):
        assert story.execution.ending == "finished", story.execution.violation
        for (_, message, _, _), before in zip(story.steps, story.states, strict=True):
            if isinstance(message, Move):
                moved += 1
                assert before[message.movable[0].placement].cpu is None
        tops = [story.execution.cells[cpu_cell(number)].frames[0].program for number in (0, 1)]
        assert tops[0] != tops[1]
        assert story.labels("moved")["loaded"] is True
    assert moved > 50


@pytest.mark.trio
async def test_the_balancer_leaves_a_queued_task_alone_until_its_switch_to(tell, before_message):
    world = Machine(cpus=2)
    first = world.host_task(two_stores_in_user_mode, name="first")
    world.host_task(busy_task, name="second")
    world.interrupts(external=1)
    world.migrations(first, to=1)
    enabled_at = []

    class Watching:
        def __init__(self, inner):
            self._inner = inner
            self.outcome = inner.outcome

        def program(self, execution, enabled):
            names = [running.name for running in enabled]
            queued = first in execution.cells[world.kernel.runqueue.each[0].cell]
            off = execution.cells[first.placement].cpu is None
            enabled_at.append((queued, off, "migration" in names))
            return self._inner.program(execution, enabled)

    await tell(world, Watching(before_message("irq0", "first", "xgetbv")))
    assert (True, False, False) in enabled_at, "on the queue and still on its CPU"
    assert (True, True, True) in enabled_at
    assert not [one for one in enabled_at if one[2] and not (one[0] and one[1])]
