"""preempt_count's sections: what they keep out, and what happens where they end."""

import pytest

from actors.runtime import set_label
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.kernel.flags import NONE, Flags
from actors.system.machine import Machine
from actors.system.sched import (
    cond_resched,
    fpregs_lock,
    fpregs_unlock,
    local_bh_disable,
    local_bh_enable,
    preempt_disable,
    preempt_enable,
)
from actors.system.tasks import busy_task
from actors.system.xstate.kernel_fpu import use_fpu
from protocol import instructions as op
from protocol.replies import Interrupted
from tests.system.calling import TASK, inside, of, one_task, put

# preempt_disable() and preempt_enable().


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
    await syscall_exit_to_user_mode(cpu)


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
    assert texts[enabled + 1 : enabled + 7] == [
        "read the flags of task",
        "pushf",
        "this_cpu add preempt_count 1",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of task",
    ]
    assert "switch_to busy" in texts[enabled:]
    assert "switch_to busy" not in texts[:enabled]


async def nested(cpu):
    await preempt_disable(cpu)
    await preempt_disable(cpu)
    await preempt_enable(cpu)
    await preempt_enable(cpu)
    await cond_resched(cpu)


@pytest.mark.trio
async def test_only_the_outermost_preempt_enable_is_a_preemption_point(tell):
    assert inside(await tell(one_task(nested))) == [
        "this_cpu add preempt_count 1",
        "this_cpu add preempt_count 1",
        "this_cpu add preempt_count -1",
        "this_cpu add preempt_count -1",
        "read the flags of task",  # preempt_enable
        "read the flags of task",  # cond_resched
    ]


@pytest.mark.trio
async def test_nobody_is_switched_away_from_with_a_count_above_zero(sample):
    world = Machine(softirq=use_fpu)
    for name in ("one", "two"):
        world.host_task(in_sections, name=name)
    world.interrupts(external=1, softirq=1)
    count = world.kernel.preempt_count.each[0].cell
    switched = 0
    for story in await sample(world, 60):
        assert story.execution.ending == "finished", story.failure
        depth = asked = 0
        for _, message, reply, text in story.steps:
            if text.startswith("this_cpu add preempt_count") and not isinstance(reply, Interrupted):
                depth += int(text.split()[-1])
                assert depth >= 0
            asked += text.startswith("set TIF_NEED_RESCHED")
            if isinstance(message, op.SwitchTo):
                assert depth == 1, "schedule()'s own"
                switched += asked > 0
                asked = 0
        assert story.execution.cells[count] == 1, "the idle task's"
    assert switched > 20


async def in_sections(cpu):
    await cpu.syscall()
    await use_fpu(cpu)
    await fpregs_lock(cpu)
    await cpu.nop()
    await fpregs_unlock(cpu)
    await syscall_exit_to_user_mode(cpu)


# local_bh_disable() and local_bh_enable().


async def without_softirqs(cpu):
    await local_bh_disable(cpu)
    await cpu.nop()
    await local_bh_enable(cpu)


@pytest.mark.trio
async def test_without_a_softirq_bottom_halves_are_a_count_of_two_in_their_field(tell):
    assert inside(await tell(one_task(without_softirqs))) == [
        "this_cpu add preempt_count 512",
        "nop",
        "this_cpu add preempt_count -512",
        "read the flags of task",
    ]


async def leaves_its_mark(cpu):
    await cpu.xgetbv()


@pytest.mark.trio
async def test_a_softirq_that_is_pending_runs_at_local_bh_enable_with_preemption_still_off(tell):
    world = one_task(bottom_halves_off_and_on, softirq=leaves_its_mark)
    put(world, world.kernel.softirq_pending, True)
    story = await tell(world)
    assert inside(story) == [
        "this_cpu add preempt_count 512",
        "this_cpu add preempt_count -511",  # softirqs on, preemption off
        "this_cpu load softirq_pending",
        "pushf",
        "cli",
        "this_cpu load softirq_pending",
        "this_cpu add preempt_count 256",  # serving
        "this_cpu store softirq_pending False",
        "sti",
        "xgetbv 0",
        "cli",
        "this_cpu load softirq_pending",
        "this_cpu add preempt_count -256",
        "sti",
        "this_cpu add preempt_count -1",
        "read the flags of task",  # a preemption point
    ]
    assert of(story, world.kernel.softirq_pending) is False


async def bottom_halves_off_and_on(cpu):
    await local_bh_disable(cpu)
    await local_bh_enable(cpu)


@pytest.mark.trio
async def test_with_nothing_pending_it_only_looks(tell):
    assert inside(await tell(one_task(bottom_halves_off_and_on, softirq=leaves_its_mark))) == [
        "this_cpu add preempt_count 512",
        "this_cpu add preempt_count -511",
        "this_cpu load softirq_pending",
        "this_cpu add preempt_count -1",
        "read the flags of task",
    ]


async def twice_off(cpu):
    await local_bh_disable(cpu)
    await bottom_halves_off_and_on(cpu)
    set_label("inner is over")
    await cpu.read_cr0()
    await local_bh_enable(cpu)


@pytest.mark.trio
async def test_only_the_outermost_local_bh_enable_runs_softirqs(tell):
    world = one_task(twice_off, softirq=leaves_its_mark)
    put(world, world.kernel.softirq_pending, True)
    texts = inside(await tell(world))
    assert texts.count("xgetbv 0") == 1
    assert texts.index("read CR0") < texts.index("xgetbv 0")
    assert "this_cpu load softirq_pending" not in texts[: texts.index("read CR0")]


async def with_preemption_off(cpu):
    await preempt_disable(cpu)
    await bottom_halves_off_and_on(cpu)
    await preempt_enable(cpu)


@pytest.mark.trio
async def test_with_preemption_off_softirqs_run_all_the_same_and_nobody_is_preempted(tell):
    world = one_task(with_preemption_off, softirq=leaves_its_mark)
    put(world, world.kernel.softirq_pending, True)
    texts = inside(await tell(world))
    assert "xgetbv 0" in texts
    assert texts[-3:] == [
        "this_cpu add preempt_count -1",
        "this_cpu add preempt_count -1",
        "read the flags of task",
    ]


# With interrupts off.


async def with_interrupts_off(cpu, function, *args):
    await cpu.cli()
    await function(cpu, *args)
    set_label("off", await cpu.irqs_disabled())
    await cpu.sti()


async def asked_inside(cpu):
    await preempt_disable(cpu)
    await cpu.set_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    await preempt_enable(cpu)


async def asked_inside_bottom_halves(cpu):
    await local_bh_disable(cpu)
    await cpu.set_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    await local_bh_enable(cpu)


@pytest.mark.trio
@pytest.mark.parametrize("section", [asked_inside, asked_inside_bottom_halves])
async def test_the_end_of_a_section_is_no_preemption_point_with_interrupts_off(tell, section):
    story = await tell(one_task(with_interrupts_off, section))
    assert "this_cpu pick from runqueue" not in inside(story)
    assert story.labels("task")["off"] is True
    assert "this_cpu pick from runqueue" in inside(await tell(one_task(section)))


@pytest.mark.trio
async def test_softirqs_of_local_bh_enable_leave_interrupts_as_they_were(tell):
    world = one_task(with_interrupts_off, bottom_halves_off_and_on, softirq=leaves_its_mark)
    put(world, world.kernel.softirq_pending, True)
    story = await tell(world)
    assert "xgetbv 0" in inside(story)
    assert story.labels("task")["off"] is True


@pytest.mark.trio
async def test_what_an_interrupt_has_served_meanwhile_is_not_served_again(tell, before_message):
    world = one_task(bottom_halves_off_and_on, softirq=leaves_its_mark)
    put(world, world.kernel.softirq_pending, True)
    world.interrupts(softirq=1)
    story = await tell(world, before_message("softirq0", "task", "pushf"))
    assert "xgetbv 0" in story.of("softirq0")
    assert "xgetbv 0" not in inside(story)


# fpregs_lock().


async def holds_the_registers(cpu):
    await cpu.syscall()
    await fpregs_lock(cpu)
    set_label("inside", True)
    await cpu.nop()
    await cpu.nop()
    set_label("inside", False)
    await fpregs_unlock(cpu)
    await syscall_exit_to_user_mode(cpu)


def alone(inside, in_kernel_fpu):
    """Nobody else uses the registers inside the section."""
    return not (inside and in_kernel_fpu)


def locked(mutant=""):
    world = Machine(mutant=mutant, softirq=use_fpu)
    task = world.host_task(holds_the_registers, name="task")
    world.host_task(busy_task, name="busy")
    world.interrupts(external=1, softirq=1)
    world.always("registers", alone, task.label("inside"), world.kernel.in_kernel_fpu.each[0])
    world.always("never off cpu inside", stays, task.placement, task.label("inside"))
    return world


@pytest.mark.trio
async def test_inside_fpregs_lock_neither_softirq_nor_scheduler_touches_the_registers(sample):
    ran = 0
    for story in await sample(locked(), 150):
        assert story.execution.ending == "finished", story.execution.violation
        ran += "movq xmm0 0xc0ffee" in [*story.of("softirq0"), *story.of("task")]
    assert ran > 20


@pytest.mark.trio
async def test_without_it_both_do(sample):
    violated = [
        name
        for story in await sample(locked("no_fpregs_lock"), 200)
        if story.execution.violation
        for name in story.execution.violation.names
    ]
    assert set(violated) == {"registers", "never off cpu inside"}


@pytest.mark.trio
async def test_an_interrupt_is_taken_inside_and_its_softirq_runs_at_the_unlock(tell, when):
    world = locked()
    landing = when("softirq0", lambda execution: execution.running["task"].labels.get("inside"))
    story = await tell(world, landing)
    assert story.of("softirq0") == [
        "external interrupt 0xec",
        "this_cpu add preempt_count 65536",
        "this_cpu store softirq_pending True",
        "this_cpu add preempt_count -65536",
        "iret",
    ]
    texts = story.of("task")
    assert texts.index("this_cpu add preempt_count -511") < texts.index("movq xmm0 0xc0ffee")


@pytest.mark.trio
async def test_the_mutant_without_the_lock_sends_nothing_for_it(tell):
    assert inside(await tell(one_task(locks_and_unlocks, mutant="no_fpregs_lock"))) == []
    assert inside(await tell(one_task(locks_and_unlocks)))[0] == "this_cpu add preempt_count 512"


async def locks_and_unlocks(cpu):
    await fpregs_lock(cpu)
    await fpregs_unlock(cpu)


# Preemption points.


@pytest.mark.trio
@pytest.mark.parametrize("asked", [False, True])
async def test_cond_resched_schedules_if_somebody_asked(tell, asked):
    world = one_task(asks_itself, asked)
    story = await tell(world)
    assert ("this_cpu pick from runqueue" in inside(story)) == asked
    assert of(story, TASK.flags) & ~Flags.PF_EXITING == NONE


async def asks_itself(cpu, asked):
    if asked:
        await cpu.set_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    await cond_resched(cpu)
