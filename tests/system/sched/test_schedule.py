"""schedule() in its order: the half of the one that leaves, switch_to, and the half of the one that comes."""

import pytest

from actors.machine.model import TILEDATA
from actors.machine.state import Kind, cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.runtime.devices.run_queue import Move
from actors.system.entry.common import syscall
from actors.system.entry.interrupts import LoadBalancer, migration
from actors.system.invariants import not_false
from actors.system.kernel.data import Task
from actors.system.kernel.flags import Flags
from actors.system.machine import Machine
from actors.system.sched import do_exit, preempt_disable, schedule
from actors.system.tasks import amx_task, busy_task, xmm_task
from actors.system.xstate.kernel_fpu import use_fpu
from protocol import instructions as op
from protocol.handles import Program
from tests.system.calling import TASK, one_task

TILE = b"\x55" * 1024
TICK = "irq0"
LOADS = "xrstors SSE|TILECFG|TILEDATA"


async def two_instructions(cpu):
    await cpu.nop()
    await cpu.xgetbv()


def two_tasks(*, irq=1, code=two_instructions, second=busy_task):
    world = Machine()
    world.host_task(code, name="first")
    world.host_task(second, name="second")
    world.interrupts(external=irq)
    return world


@pytest.mark.trio
async def test_a_preempted_task_saves_queues_itself_switches_and_loads_on_its_way_to_user_mode(
    tell, before_message
):
    story = await tell(two_tasks(), before_message(TICK, "first", "xgetbv"))
    texts = story.of("first")
    assert texts[: texts.index("syscall")] == [
        "cli",
        "read the flags of first",
        "iret",
        "nop",
        "xgetbv 0",  # interrupted: it has not run
        "read the flags of first",
        "sti",
        "this_cpu add preempt_count 1",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of first",
        "read the flags of first",
        "load first->fpu.fpstate",
        "xsaves SSE|TILECFG",
        "store first->fpu.last_cpu 0",
        "this_cpu enqueue first on runqueue",
        "switch_to second",
        "set TIF_NEED_FPU_LOAD of first",  # nothing is loaded yet
        "sti",
        "this_cpu add preempt_count -1",
        "cli",
        "read the flags of first",
        "this_cpu load fpu_fpregs_owner_ctx",
        "load first->fpu.fpstate",
        "load first->fpstate.xfd",
        "this_cpu load xfd_state",
        LOADS,
        "this_cpu store fpu_fpregs_owner_ctx first",
        "store first->fpu.last_cpu 0",
        "clear TIF_NEED_FPU_LOAD of first",
        "iret",
        "xgetbv 0",
    ]


@pytest.mark.trio
async def test_what_stands_behind_switch_to_runs_when_somebody_switches_back(tell, before_message):
    story = await tell(two_tasks(), before_message(TICK, "first", "xgetbv"))
    order = [(name, text) for name, _, _, text in story.steps]
    away = order.index(("first", "switch_to second"))
    back = order.index(("second", "switch_to first"))
    assert away < back < order.index(("first", "set TIF_NEED_FPU_LOAD of first"))
    assert {name for name, _ in order[away + 1 : back]} == {"second"}


@pytest.mark.trio
async def test_the_registers_are_still_the_previous_tasks_until_the_new_one_is_in_user_mode(
    tell, before_message
):
    world = two_tasks()
    owner = world.kernel.owner.each[0].cell
    story = await tell(world, before_message(TICK, "first", "xgetbv"))
    stores = [
        (name, before[owner], message.message.value)
        for (name, message, _, text), before in zip(story.steps, story.states, strict=True)
        if text.startswith("this_cpu store fpu_fpregs_owner_ctx")
    ]
    first, second = Program("first"), Program("second")
    assert stores == [
        ("second", first, second),
        ("second", second, None),  # it exits
        ("first", None, first),
        ("first", first, None),
    ]


@pytest.mark.trio
async def test_a_new_task_starts_behind_switch_to_and_loads_its_state_on_its_way_to_user_mode(tell):
    texts = (await tell(two_tasks(irq=0))).of("second")
    assert texts[: texts.index("nop")] == [
        "sti",
        "this_cpu add preempt_count -1",
        "cli",
        "read the flags of second",
        "this_cpu load fpu_fpregs_owner_ctx",
        "load second->fpu.fpstate",
        "load second->fpstate.xfd",
        "this_cpu load xfd_state",
        LOADS,
        "this_cpu store fpu_fpregs_owner_ctx second",
        "store second->fpu.last_cpu 0",
        "clear TIF_NEED_FPU_LOAD of second",
        "iret",
    ]


@pytest.mark.trio
async def test_a_task_that_exits_saves_nothing_and_does_not_queue_itself(tell):
    texts = (await tell(two_tasks(irq=0))).of("first")
    assert texts[texts.index("syscall") :] == [
        "syscall",
        "set PF_EXITING of first",
        "this_cpu store fpu_fpregs_owner_ctx None",
        "this_cpu add preempt_count 1",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of first",
        "load first->fpu.fpstate",
        "switch_to second",
    ]


@pytest.mark.trio
async def test_without_anybody_waiting_a_preempted_task_goes_on_and_its_state_stays_where_it_is(
    tell, before_message
):
    world = Machine()
    world.host_task(two_instructions, name="first")
    world.interrupts(external=1)
    texts = (await tell(world, before_message(TICK, "first", "xgetbv"))).of("first")
    assert texts[4 : texts.index("syscall")] == [
        "xgetbv 0",
        "read the flags of first",
        "sti",
        "this_cpu add preempt_count 1",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of first",
        "sti",
        "this_cpu add preempt_count -1",
        "cli",
        "read the flags of first",
        "iret",
        "xgetbv 0",
    ]


@pytest.mark.trio
async def test_without_an_interrupt_nobody_is_preempted(sample):
    for story in await sample(two_tasks(irq=0), 20):
        picks = [name for name, _, _, text in story.steps if "pick from" in text]
        assert picks[:2] == ["first", "second"]
        assert story.of("first").count("this_cpu pick from runqueue") == 1


# Where it must not be called.


async def schedules_with_preemption_off(cpu):
    await preempt_disable(cpu)
    await schedule(cpu)


@pytest.mark.trio
async def test_schedule_in_an_atomic_section_is_a_finding_in_the_kernels_words(tell):
    story = await tell(one_task(schedules_with_preemption_off))
    assert (story.failure.type, story.failure.text) == ("Bug", "BUG: scheduling while atomic: task")
    assert story.execution.ending == "violated"
    assert story.of("task")[-3:] == [
        "rdpkru",
        "this_cpu add preempt_count 1",
        "this_cpu add preempt_count 1",
    ], "its schedule is what led there"


# When it loads, and when it need not.


async def yields(cpu):
    await syscall(cpu, schedule)


@pytest.mark.trio
async def test_another_user_task_that_ran_meanwhile_makes_it_load(tell):
    texts = (await tell(two_tasks(irq=0, code=yields))).of("first")
    assert LOADS in texts[texts.index("switch_to second") :]


async def only_in_the_kernel(cpu, times):
    """A task that never comes to user mode: it lets others run, and exits."""
    for _ in range(times):
        await schedule(cpu)
    await do_exit(cpu)


def add_in_the_kernel(world, name, cpu=0, times=1):
    world._add_task(only_in_the_kernel, (times,), cpu, Task(Program(name)), 0, 0)


@pytest.mark.trio
async def test_one_that_ran_in_the_kernel_alone_leaves_it_its_registers(tell):
    world = Machine()
    world.host_task(yields, name="task")
    add_in_the_kernel(world, "kernel")
    texts = (await tell(world)).of("task")
    back = texts[texts.index("switch_to kernel") :]
    assert back[: back.index("iret")] == [
        "switch_to kernel",
        "set TIF_NEED_FPU_LOAD of task",
        "sti",
        "this_cpu add preempt_count -1",
        "cli",
        "read the flags of task",
        "this_cpu load fpu_fpregs_owner_ctx",
        "load task->fpu.last_cpu",
        "clear TIF_NEED_FPU_LOAD of task",
    ], "owner and last_cpu match, so nothing is loaded"


# Migration.


async def works_on_two_cpus(cpu):
    """Change a register, be moved, change it again, be moved back: which is left?"""
    await cpu.movq(0, 1)
    await syscall(cpu, schedule)
    await cpu.movq(0, 2)
    await syscall(cpu, schedule)
    set_label("found", await cpu.movq_from(0) == 2)


def there_and_back():
    world = Machine(cpus=2)
    task = world.host_task(works_on_two_cpus, name="task")
    add_in_the_kernel(world, "kernel0", times=9)
    add_in_the_kernel(world, "kernel1", cpu=1, times=9)
    world.migrations(task, to=1)
    here, there = world.kernel.runqueue.each
    balancer = LoadBalancer("second balancer", there)
    world.source(migration, ((balancer, here.cell),), (task,), 1, event="migration", budget=1, name="back")
    return world


@pytest.mark.trio
async def test_a_task_that_was_elsewhere_since_loads_though_the_cpu_it_left_still_names_it(sample):
    distrusted = 0
    for story in await sample(there_and_back(), 150):
        assert story.execution.ending == "finished", story.failure
        assert story.labels("task")["found"] is True
        mine = [(text, reply) for name, _, reply, text in story.steps if name == "task"]
        for at, (text, reply) in enumerate(mine):
            if text == "load task->fpu.last_cpu" and reply == 1 and mine[at + 1][1] == 0:
                assert mine[at - 1] == ("this_cpu load fpu_fpregs_owner_ctx", TASK.program)
                assert LOADS in [text for text, _ in mine[at : at + 6]]
                distrusted += 1
    assert distrusted > 5


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
    assert story.of("idle1")[:9] == [
        "cli",
        "xgetbv 1",
        "sti",
        "nop",
        "this_cpu wait on runqueue",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of idle1",
        "read the flags of idle1",
    ]
    assert story.of("idle1")[9] == "switch_to moved", "it waits in no run queue"
    assert story.labels("moved")["loaded"] is True
    assert "store moved->fpu.last_cpu 1" in story.of("moved")


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
    first = world.host_task(two_instructions, name="first")
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

    await tell(world, Watching(before_message(TICK, "first", "xgetbv")))
    assert (True, False, False) in enabled_at, "on the queue and still on its CPU"
    assert (True, True, True) in enabled_at
    assert not [one for one in enabled_at if one[2] and not (one[0] and one[1])]


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
        for name in ("one", "two"):
            assert (story.labels(name)["nm"], story.labels(name)["intact"]) == (True, True)
        loaded = False
        for name, message, _, _ in story.steps:
            loaded = loaded or (name == "one" and isinstance(message, op.Tileloadd))
            if loaded and name == "one" and isinstance(message, op.Tilestored):
                break
            preempted_with_tiles += loaded and message == op.SwitchTo(op.Program("two"))
    assert preempted_with_tiles > 10


@pytest.mark.trio
async def test_xmm_registers_are_switched_as_tiles_are(sample):
    world = Machine()
    for name, value in (("one", 0xAAAA), ("two", 0xBBBB)):
        world.host_task(xmm_task, value, name=name)
    world.interrupts(external=2)
    switched = 0
    for story in await sample(world, 80):
        assert story.execution.ending == "finished", story.failure
        assert (story.labels("one")["found"], story.labels("two")["found"]) == (True, True)
        switched += "xsaves SSE|TILECFG" in story.of("one")
    assert switched > 20


def is_loaded(cpu, owner, *of_tasks):
    """In user mode the registers are the current task's, and its flags say so."""
    task = cpu.top.program
    if not cpu.top.ring.cpl or cpu.top.kind is not Kind.TASK:
        return True
    flags, last_cpu = of_tasks[:2] if task.name == "first" else of_tasks[2:]
    return owner == task and last_cpu == 0 and not flags & Flags.TIF_NEED_FPU_LOAD


@pytest.mark.trio
async def test_in_user_mode_the_registers_are_always_the_current_tasks(sample):
    world = Machine(softirq=use_fpu)
    tasks = [Task(world.host_task(busy_task, name=name)) for name in ("first", "second")]
    world.interrupts(external=2, softirq=1)
    cells = [cell for task in tasks for cell in (task.flags, task.last_cpu)]
    world.always("loaded", is_loaded, cpu_cell(0), world.kernel.owner.each[0], *cells)
    for story in await sample(world, 100):
        assert story.execution.ending == "finished", story.execution.violation
