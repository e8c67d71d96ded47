"""A program while it runs: stepping, closing, and where it stands."""

# ruff: noqa: BLE001, S112, TRY301  # what these programs do, no program should

import gc

import pytest

from actors.runtime import Program, Variable, become, set_label, spawn
from actors.runtime.errors import ModelError, SwallowedTeardown
from actors.runtime.program import current
from actors.runtime.running import Running

X = Variable("x")


def start(function, *args):
    return Running(Program("p"), function, args, (False, (0, 0, "")))


async def doubles():
    value = await X.load()
    set_label("seen", value)
    await X.store(value * 2)


def test_it_runs_from_message_to_message():
    running = start(doubles)
    running.advance()
    assert running.pending.to is X
    assert not running.finished
    running.advance(21)
    assert running.pending.message.value == 42
    assert running.labels == {"seen": 21}
    running.advance()
    assert running.finished
    assert running.failure is None
    assert running.steps == 2
    assert [reply for _, reply, _ in running.segments[0].exchanges] == [21, None]


def test_one_that_never_began_is_closed_without_a_warning():
    running = start(doubles)
    running.close()
    del running
    gc.collect()


def test_closing_twice_and_closing_after_the_end_are_nothing():
    running = start(doubles)
    running.advance()
    running.close()
    running.close()
    assert running.left_at.to is X
    assert running.finished


async def helper():
    return await X.load()


async def asks_a_helper():
    return await helper()


def test_it_stands_at_the_innermost_line_of_its_own():
    running = start(asks_a_helper)
    assert running.place() == ("asks_a_helper", __file__, asks_a_helper.__code__.co_firstlineno)
    running.advance()
    assert running.place() == ("helper", __file__, helper.__code__.co_firstlineno + 1)
    assert running.where() == f"{__file__}:{helper.__code__.co_firstlineno + 1}"
    running.advance()
    assert running.place()[0] == "asks_a_helper"  # ended: where it is defined


async def counts(number):
    await X.store(number)
    set_label("number", number)
    return become(counts, number - 1) if number else None


def test_becoming_forgets_history_and_labels():
    running = start(counts, 2)
    running.advance()
    running.advance()
    assert running.labels == {}
    assert running.relabelled == {"number"}
    running.advance()
    running.advance()
    assert running.finished
    assert [(segment.args, len(segment.exchanges)) for segment in running.segments] == [
        ((2,), 1),
        ((1,), 1),
        ((0,), 1),
    ]


async def raises_while_closed():
    try:
        await X.load()
    finally:
        raise ValueError("too late")


def test_what_is_raised_while_it_is_closed_is_of_no_interest():
    running = start(raises_while_closed)
    running.advance()
    running.close()
    assert running.failure is None


async def stubborn():
    while True:
        try:
            await X.load()
        except BaseException:
            continue


def test_one_that_cannot_be_ended_is_reported_and_never_resumed():
    running = start(stubborn)
    running.advance()
    with pytest.raises(SwallowedTeardown):
        running.close()
    del running
    gc.collect()  # would run it again, were it collected


async def fails_stubbornly():
    while True:
        try:
            await X.load()
            raise AssertionError("once")
        except BaseException:  # that is the point
            try:
                await X.load()
            except BaseException:
                continue


def test_a_failure_counts_even_if_the_program_cannot_be_ended():
    running = start(fails_stubbornly)
    running.advance()
    running.advance()
    assert running.finished
    assert running.failure.text == "once"


async def outlives_an_error():
    try:
        await X.load()
        raise KeyError("handled")
    except KeyError:
        await X.store(1)


def test_errors_that_a_program_handles_are_its_own_affair():
    running = start(outlives_an_error)
    running.advance()
    running.advance()
    assert running.pending.message.value == 1
    running.close()


async def interrupted():
    await X.load()
    raise KeyboardInterrupt


def test_ctrl_c_is_not_a_finding():
    running = start(interrupted)
    running.advance()
    with pytest.raises(KeyboardInterrupt):
        running.advance()


def not_a_program():
    return 1


def test_other_functions_are_refused():
    with pytest.raises(ModelError, match="not_a_program is not an `async def` function"):
        start(not_a_program)
    with pytest.raises(ModelError, match=r"takes 0 positional arguments .*test_running\.py"):
        start(doubles, 1)


async def forks():
    await spawn(doubles)
    await spawn(doubles, name="q")
    await spawn(doubles)


def test_children_are_numbered_by_their_place():
    running = start(forks)
    names = []
    running.advance()
    while not running.finished:
        names.append(running.pending.message.child.name)
        running.advance(running.pending.message.child)
    assert names == ["p.0", "p.q", "p.1"]


def test_outside_a_world_nothing_can_be_sent():
    with pytest.raises(ModelError, match="only a program that is run by a world"):
        current()
    with pytest.raises(ModelError, match="only a program that is run by a world"):
        X.load().send(None)
