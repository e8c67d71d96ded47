"""What a program may await, and for how long it may run: messages, and not for ever."""

# ruff: noqa: ASYNC115  # what is broken here is broken on purpose

import pytest
import trio

from actors.runtime.errors import ForeignAwait, ModelError
from protocol.handles import Cell
from tests.runtime.soundness.worlds import a_world, stores_one


async def naps():
    await trio.sleep(0.01)


async def sleeps(x, lock):
    await x.store(1)
    await trio.sleep(0)  # sleeps


async def sleeps_in_a_helper(x, lock):
    await x.store(1)
    await naps()


def test_awaiting_trio_is_named(run, line):
    with pytest.raises(ForeignAwait, match=r"program p awaited \w+, .* after step 1 of it") as caught:
        run(a_world(sleeps))
    assert line("sleeps") in str(caught.value)


def test_awaiting_trio_in_a_helper_names_the_helper(run):
    with pytest.raises(ForeignAwait) as caught:
        run(a_world(sleeps_in_a_helper))
    assert f"{__file__}:{naps.__code__.co_firstlineno + 1}" in str(caught.value)


async def opens_a_nursery(x, lock):
    async with trio.open_nursery():  # in a nursery
        await x.store(1)


async def sets_a_deadline(x, lock):
    with trio.move_on_after(60):  # in a scope
        await x.store(1)


async def cancels_itself(x, lock):
    with trio.CancelScope() as scope:  # in a scope of its own
        scope.cancel()
        await x.store(1)


async def starts_a_task(x, lock):
    await x.load()
    async with trio.open_nursery() as nursery:  # for a task
        nursery.start_soon(trio.sleep_forever)
        while await x.load() is None:
            pass


async def sleeps_in_a_nursery(x, lock):
    async with trio.open_nursery():  # to sleep
        await trio.sleep(1)


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize(
    ("program", "mark"),
    [
        (opens_a_nursery, "in a nursery"),
        (sets_a_deadline, "in a scope"),
        (cancels_itself, "in a scope of its own"),
        (starts_a_task, "for a task"),
        (sleeps_in_a_nursery, "to sleep"),
    ],
)
def test_what_a_program_opens_of_trio_is_named(program, mark, checked, run, run_free, line):
    with pytest.raises(ForeignAwait, match=r"program p used Trio after step \d of it") as caught:
        run(a_world(program), checked=checked)
    assert line(mark) in str(caught.value)
    with pytest.raises(ForeignAwait, match="program p used Trio"):
        run_free(a_world(program))


async def never_ends(x, lock):
    await x.store(1)
    while x is not None:
        pass  # never ends


@pytest.mark.usefixtures("short_watch")
def test_an_endless_loop_is_stopped_by_the_watchdog(run, line):
    execution = run(a_world(never_ends))
    assert execution.violation.names == ("p: stuck",)
    file, _, number = line("never ends").rpartition(":")
    lines = [f"{file}:{at} in never_ends" for at in (int(number) - 1, int(number))]
    assert execution.violation.failure.lines[-1].startswith(tuple(lines))
    assert execution.steps == 1


def is_never_decided(value):
    while True:
        pass


@pytest.mark.usefixtures("short_watch")
def test_a_condition_that_never_ends_is_named(run):
    world = a_world(stores_one)
    world.always("endless", is_never_decided, Cell("x"))
    with pytest.raises(ModelError, match=r"condition 'endless' raised Stuck at .*test_awaiting\.py"):
        run(world)
