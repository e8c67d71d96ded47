"""A task's flags: their bits, how they are changed, and how that reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.devices.variable import FetchAnd, FetchOr, Load, Store
from actors.system.kernel.flags import ALL, NONE, Flags, ThreadFlags
from protocol.handles import Program
from tests.system.calling import TASK, inside, of, one_task, put

FLAGS = ThreadFlags("task->flags")
some = st.sets(st.sampled_from(list(Flags))).map(lambda chosen: Flags(sum(chosen)))


def test_bits_of_the_thread_are_where_linux_has_them_and_apart_from_those_of_the_task():
    thread = {flag.name: int(flag).bit_length() - 1 for flag in Flags if flag.name.startswith("TIF")}
    assert thread == {"TIF_SIGPENDING": 2, "TIF_NEED_RESCHED": 3, "TIF_NEED_FPU_LOAD": 14}
    assert all(int(flag) >> 32 for flag in Flags if flag.name.startswith("PF"))
    assert len({int(flag) for flag in Flags}) == len(Flags)
    assert sum(Flags) == ALL
    assert NONE == 0


@given(some, st.sampled_from(list(Flags)))
def test_setting_and_clearing_touch_one_bit(before, flag):
    assert changed(before, FetchOr(flag)) == before | flag
    assert changed(before, FetchAnd(ALL ^ flag)) == Flags(before - (before & flag))


def changed(before, message):
    (outcome,) = FLAGS.handle(Program("task"), message, {FLAGS.cell: before})
    return dict(outcome.writes)[FLAGS.cell]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (FetchOr(Flags.TIF_NEED_RESCHED), "set TIF_NEED_RESCHED of task"),
        (FetchAnd(ALL ^ Flags.TIF_NEED_FPU_LOAD), "clear TIF_NEED_FPU_LOAD of task"),
        (Load(), "read the flags of task"),
        (Store(NONE), "store task->flags 0"),
    ],
)
def test_they_read_as_the_kernel_says_it(message, text):
    assert FLAGS.describe(message) == text


async def sets_and_clears(cpu):
    await cpu.set_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    seen = await cpu.read_flags(cpu.me)
    await cpu.clear_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    return seen


@pytest.mark.trio
async def test_the_cpu_sets_clears_and_reads_them_in_one_step_each(tell):
    world = one_task(sets_and_clears)
    put(world, TASK.flags, Flags.TIF_NEED_FPU_LOAD)
    story = await tell(world)
    assert inside(story) == [
        "set TIF_NEED_RESCHED of task",
        "read the flags of task",
        "clear TIF_NEED_RESCHED of task",
    ]
    assert story.labels("task").get("result") == Flags.TIF_NEED_RESCHED, "user mode is behind the load"
    assert type(of(story, TASK.flags)) is Flags
