"""How a program ends: at once, and sending nothing, whatever it does about it."""

# ruff: noqa: BLE001, S112  # what is broken here is broken on purpose

import pytest

from actors.runtime.errors import SwallowedTeardown
from protocol.handles import Cell
from tests.runtime.soundness.worlds import a_world, stores_one


async def swallows_and_returns(x, lock):
    try:
        await x.wait_for(1)  # swallows
    except BaseException:
        return


async def swallows_and_sends(x, lock):
    try:
        await x.wait_for(1)  # swallows and sends
    except BaseException:
        await x.store(2)


async def swallows_for_ever(x, lock):
    while True:
        try:
            await x.wait_for(1)  # swallows for ever
        except BaseException:
            continue


@pytest.mark.parametrize(
    ("program", "mark"),
    [
        (swallows_and_returns, "swallows"),
        (swallows_for_ever, "swallows for ever"),
    ],
)
def test_a_program_that_swallows_its_end_is_named(program, mark, run, line):
    with pytest.raises(SwallowedTeardown) as caught:
        run(a_world(program))
    assert "program p caught the exception that closes it" in str(caught.value)
    assert "after step 0" in str(caught.value)
    assert line(mark) in str(caught.value)


def test_what_a_program_sends_while_it_is_closed_is_not_sent(run):
    assert run(a_world(swallows_and_sends)).cells[Cell("x")] == 0


async def fails_inside_async_with(x, lock):
    async with lock:
        await x.store(1)
        assert x is None, "inside"  # fails inside


async def fails_before_finally(x, lock):
    try:
        await x.store(1)
        assert x is None, "before"  # fails before
    finally:
        await x.store(2)


async def fails_and_is_handled(x, lock):
    try:
        await x.store(1)
        assert x is None, "handled"  # fails handled
    except AssertionError:
        await x.store(2)


@pytest.mark.parametrize(
    ("program", "mark"),
    [
        (fails_inside_async_with, "fails inside"),
        (fails_before_finally, "fails before"),
        (fails_and_is_handled, "fails handled"),
    ],
)
def test_a_failed_assertion_ends_the_program_at_that_step(program, mark, run, line):
    execution = run(a_world(program))
    assert execution.violation.names == ("p: AssertionError",)
    assert any(line(mark) in one for one in execution.violation.failure.lines)
    assert execution.cells[Cell("x")] == 1
    held = "p" if program is fails_inside_async_with else None
    assert execution.cells[Cell("l")] == held


def test_the_same_holds_inside_an_except_block_of_the_caller(run):
    """What the caller is handling is not the program's own failure."""
    try:
        raise AssertionError("the caller's")  # noqa: TRY301  # that is the point
    except AssertionError:
        execution = run(a_world(stores_one), checked=True)
    assert execution.ending == "finished"


async def sends_in_finally(x, lock):
    try:
        await x.wait_for(1)
    finally:
        await x.store(2)


def test_a_finally_that_sends_when_the_program_is_closed_sends_nothing(run):
    execution = run(a_world(sends_in_finally))
    assert execution.violation.names == ("deadlock",)
    assert execution.cells[Cell("x")] == 0
    assert execution.steps == 0
