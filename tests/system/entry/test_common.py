"""The way back to user mode: work first, with interrupts on, until none is left; then the registers, with interrupts off."""

import msgspec
import pytest

from actors.machine.state import Ring, cpu_cell
from actors.runtime import set_label
from actors.system.entry.common import (
    EXIT_TO_USER_MODE_WORK,
    exit_to_user_mode_prepare,
    irqentry_exit,
    syscall,
    syscall_exit_to_user_mode,
)
from actors.system.kernel.flags import NONE, Flags
from actors.system.machine import Machine
from actors.system.sched import preempt_disable, preempt_enable
from actors.system.tasks import busy_task
from protocol.registers import Work
from tests.system.calling import TASK, inside, of, one_task, put

RESCHED, SIGPENDING, NEED_LOAD = Flags.TIF_NEED_RESCHED, Flags.TIF_SIGPENDING, Flags.TIF_NEED_FPU_LOAD
SCHEDULE = [
    "this_cpu add preempt_count 1",
    "cli",
    "this_cpu pick from runqueue",
    "clear TIF_NEED_RESCHED of task",
    "sti",
    "this_cpu add preempt_count -1",
]
VALID = [
    "this_cpu load fpu_fpregs_owner_ctx",
    "load task->fpu.last_cpu",
    "clear TIF_NEED_FPU_LOAD of task",
]


async def prepares(cpu, flags):
    """Call it as it is called: with interrupts off; back with them on, for the system call's own return."""
    for flag in flags:
        await cpu.set_flag(cpu.me, flag)
    await cpu.cli()
    await cpu.rdpkru()
    await exit_to_user_mode_prepare(cpu)
    await cpu.rdpkru()
    await cpu.sti()


async def takes_signals(cpu):
    await cpu.clear_flag(cpu.me, SIGPENDING)
    await cpu.xgetbv()


def preparing(*flags, do_signal=None):
    world = Machine()
    world.kernel = msgspec.structs.replace(world.kernel, do_signal=do_signal)
    world.host_task(in_the_kernel, prepares, flags, name="task")
    return world


async def in_the_kernel(cpu, function, *args):
    await syscall(cpu, function, *args)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("flags", "sent"),
    [
        pytest.param((), [], id="nothing to do"),
        pytest.param((NEED_LOAD,), VALID, id="the registers"),
        pytest.param((RESCHED,), ["sti", *SCHEDULE, "cli", "read the flags of task"], id="a reschedule"),
        pytest.param(
            (RESCHED, NEED_LOAD),
            ["sti", *SCHEDULE, "cli", "read the flags of task", *VALID],
            id="a reschedule, and then the registers",
        ),
    ],
)
async def test_work_comes_first_and_the_registers_last(tell, flags, sent):
    assert inside(await tell(preparing(*flags))) == ["read the flags of task", *sent]


@pytest.mark.trio
async def test_a_signal_is_delivered_behind_a_reschedule_and_before_the_registers_are_loaded(tell):
    world = preparing(RESCHED, SIGPENDING, NEED_LOAD, do_signal=takes_signals)
    assert inside(await tell(world)) == [
        "read the flags of task",
        "sti",
        *SCHEDULE,
        "clear TIF_SIGPENDING of task",
        "xgetbv 0",
        "cli",
        "read the flags of task",
        *VALID,
    ]


@pytest.mark.trio
async def test_a_signal_on_a_machine_where_nobody_sends_any_is_an_error_of_the_model(tell):
    story = await tell(preparing(SIGPENDING))
    assert story.failure.text.startswith("nobody sends signals on this machine")


async def asks_once_more(cpu):
    await cpu.clear_flag(cpu.me, SIGPENDING)
    await cpu.set_flag(cpu.me, RESCHED)


@pytest.mark.trio
async def test_it_goes_round_until_no_work_is_left(tell):
    texts = inside(await tell(preparing(SIGPENDING, do_signal=asks_once_more)))
    assert texts.count("this_cpu pick from runqueue") == 1
    assert texts.count("read the flags of task") == 3
    assert texts.index("set TIF_NEED_RESCHED of task") < texts.index("this_cpu pick from runqueue")


def test_what_counts_as_work():
    assert EXIT_TO_USER_MODE_WORK == RESCHED | SIGPENDING


def settled(cpu, flags):
    """In user mode nothing was left to do when it was entered; a tick since then leaves its work to the entry."""
    return not cpu.top.ring.cpl or cpu.top.program != TASK.program or not flags & NEED_LOAD


@pytest.mark.trio
async def test_wherever_an_interrupt_lands_user_mode_is_entered_with_the_registers_loaded(sample):
    world = Machine()
    world.host_task(calls_twice, name="task")
    world.host_task(busy_task, name="other")
    world.interrupts(external=3)
    world.always("loaded", settled, cpu_cell(0), TASK.flags)
    preempted = 0
    for story in await sample(world, 120):
        assert story.execution.ending == "finished", story.execution.violation
        texts = story.of("task")
        preempted += "switch_to other" in texts[: texts.index("set PF_EXITING of task")]
    assert preempted > 30


async def calls_twice(cpu):
    for _ in range(2):
        set_label("result", await syscall(cpu, answers, 7))


async def answers(cpu, value):
    await cpu.nop()
    return value


# System calls.


@pytest.mark.trio
async def test_a_system_call_returns_what_the_kernel_returned_by_way_of_user_mode_work(tell):
    world = Machine()
    world.host_task(calls_twice, name="task")
    story = await tell(world)
    assert story.labels("task").get("result") == 7
    texts = story.of("task")
    assert texts[3:8] == ["syscall", "nop", "cli", "read the flags of task", "iret"]
    states = [before[cpu_cell(0)] for before in story.states if cpu_cell(0) in before]
    assert {state.top.ring for state in states} >= {Ring.USER, Ring.KERNEL}


@pytest.mark.trio
async def test_leaving_the_kernel_ends_in_user_mode_with_interrupts_on(tell):
    world = Machine()
    world.host_task(leaves, name="task")
    put(world, world.kernel.owner, None)
    story = await tell(world)
    last = [
        b[cpu_cell(0)] for b, (_, _, _, text) in zip(story.states, story.steps, strict=True) if text == "nop"
    ]
    assert [(state.top.ring, state.interrupt_flag) for state in last] == [(Ring.USER, True)]


async def leaves(cpu):
    await cpu.syscall()
    await syscall_exit_to_user_mode(cpu)
    await cpu.nop()


# Returning from an interrupt.


@pytest.mark.trio
@pytest.mark.parametrize(
    ("work", "sent"),
    [
        (
            Work.RESCHED,
            [
                "this_cpu add preempt_count 1",
                "sti",
                "cli",
                "this_cpu pick from runqueue",
                "clear TIF_NEED_RESCHED of task",
                "sti",
                "cli",
                "this_cpu add preempt_count -1",
            ],
        ),
        (Work.EXIT_TO_USER, ["read the flags of task", *VALID]),
    ],
)
async def test_what_is_done_in_the_program_that_was_interrupted(tell, work, sent):
    world = one_task(was_interrupted, work)
    story = await tell(world)
    assert inside(story) == ["set TIF_NEED_FPU_LOAD of task", "cli", *sent, "iret", "syscall"]
    assert of(story, TASK.flags) & ~Flags.PF_EXITING == NONE


async def was_interrupted(cpu, work):
    """The frame that it returns from is the system call's; another takes its place."""
    await cpu.set_flag(cpu.me, NEED_LOAD)
    await cpu.cli()
    await irqentry_exit(cpu, work)
    await cpu.syscall()


async def in_a_section(cpu):
    await cpu.syscall()
    await preempt_disable(cpu)
    await cpu.nop()
    await preempt_enable(cpu)
    await syscall_exit_to_user_mode(cpu)


@pytest.mark.trio
async def test_an_interrupt_of_the_kernel_does_not_load_the_registers(tell, before_message):
    world = Machine()
    world.host_task(in_a_section, name="task")
    world.interrupts(external=1)
    story = await tell(world, before_message("irq0", "task", "nop"))
    texts = story.of("task")
    assert texts[texts.index("nop") + 1] == "this_cpu add preempt_count -1"
    assert story.of("irq0")[-1] == "iret"
