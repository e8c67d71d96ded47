"""The ready devices, each by its rules: what is enabled, what is replied, what changes."""

from enum import IntFlag

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import RETRY, Choice, Lock, Mailbox, Program, RunQueue, Variable, World, set_label
from actors.runtime.devices import choice, lock, mailbox, run_queue, variable
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.schedule import Default

A, B = Program("a"), Program("b")


def no_read(cell):
    raise AssertionError(f"asked for {cell}")


def ask(device, message, content, sender=A):
    """Return (reply, content afterwards) for each outcome."""
    footprint = device.footprint(sender, message, no_read)
    assert set(footprint.writes) <= {device.cell}
    outcomes = device.handle(sender, message, {device.cell: content})
    for outcome in outcomes:
        assert outcome.reply is not RETRY
        assert all(cell in footprint.writes for cell, _ in outcome.writes)
    return [(outcome.reply, dict(outcome.writes).get(device.cell, content)) for outcome in outcomes]


@pytest.mark.parametrize(
    ("message", "before", "expected"),
    [
        (variable.Load(), 7, [(7, 7)]),
        (variable.Store(1), 7, [(None, 1)]),
        (variable.FetchAdd(3), 7, [(7, 10)]),
        (variable.FetchOr(0b110), 0b011, [(0b011, 0b111)]),
        (variable.FetchOr(0), 0b011, [(0b011, 0b011)]),
        (variable.FetchAnd(0b110), 0b011, [(0b011, 0b010)]),
        (variable.FetchAnd(-1), 0b011, [(0b011, 0b011)]),
        (variable.Exchange(None), 7, [(7, None)]),
        (variable.Exchange(7), 7, [(7, 7)]),
        (variable.CompareExchange(7, 1), 7, [(7, 1)]),
        (variable.CompareExchange(6, 1), 7, [(7, 7)]),
        (variable.CompareExchange(True, 5), 1, [(1, 1)]),
        (variable.Await(7), 7, [(None, 7)]),
        (variable.Await(6), 7, []),
        (variable.Await(True), 1, []),
    ],
)
def test_variable(message, before, expected):
    assert ask(Variable("x"), message, before) == expected


def test_a_load_writes_nothing():
    assert Variable("x").footprint(A, variable.Load(), no_read).writes == ()
    assert Variable("x").footprint(A, variable.Await(1), no_read).writes == ()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (variable.Load(), "load x"),
        (variable.Store(1), "store x 1"),
        (variable.FetchAdd(-1), "add x -1"),
        (variable.FetchOr(16), "or x 16"),
        (variable.FetchAnd(-17), "and x -17"),
        (variable.Exchange(None), "xchg x None"),
        (variable.CompareExchange(1, 2), "cmpxchg x 1 2"),
        (variable.Await(3), "wait for x = 3"),
    ],
)
def test_what_memory_is_asked_reads_as_an_instruction(message, text):
    assert Variable("x").describe(message) == text


class Colour(IntFlag):
    RED = 1
    BLUE = 2


@given(st.sampled_from([variable.FetchOr, variable.FetchAnd]), st.sampled_from(Colour), st.integers(0, 3))
def test_bits_keep_the_type_of_the_location_and_one_step_does_what_a_load_and_a_store_do(kind, mask, before):
    before = Colour(before)
    ((reply, after),) = ask(Variable("x"), kind(mask), before)
    assert reply is before
    assert after == (before | mask if kind is variable.FetchOr else before & mask)
    assert type(after) is Colour


async def all_of_it(x):
    assert await x.fetch_or(0b100) == 0b011
    assert await x.fetch_and(0b110) == 0b111
    assert await x.exchange(9) == 0b110
    set_label("left", await x.load())


@pytest.mark.trio
async def test_each_call_is_one_step_and_replies_the_value_before():
    world = World()
    world.program(all_of_it, world.variable("x", 0b011), name="a")
    async with open_driver(world) as driver:
        execution = await driver.run(Default(), checked=True)
    assert execution.violation is None
    assert (execution.steps, execution.running["a"].labels) == (4, {"left": 9})


@pytest.mark.parametrize(
    ("message", "owner", "expected"),
    [
        (lock.Acquire(), None, [(True, "a")]),
        (lock.Acquire(), "b", []),
        (lock.Acquire(), "a", []),
        (lock.TryAcquire(), None, [(True, "a")]),
        (lock.TryAcquire(), "b", [(False, "b")]),
        (lock.Release(), "a", [(None, None)]),
    ],
)
def test_lock(message, owner, expected):
    assert ask(Lock("l"), message, owner) == expected


@pytest.mark.parametrize(("owner", "says"), [("b", "held by b"), (None, "held by nobody")])
def test_only_the_owner_releases(owner, says):
    with pytest.raises(RuntimeError, match=f"a releases lock l, {says}"):
        ask(Lock("l"), lock.Release(), owner)


def test_mailbox():
    box = Mailbox("m", 2)
    assert ask(box, mailbox.Put(1), ()) == [(None, (1,))]
    assert ask(box, mailbox.Put(3), (1, 2)) == []
    assert ask(box, mailbox.Get(), (1, 2)) == [(1, (2,))]
    assert ask(box, mailbox.Get(), ()) == []


def test_run_queue():
    queue = RunQueue("q")
    assert ask(queue, run_queue.Add(A), (B,)) == [(None, (B, A))]
    assert ask(queue, run_queue.Pick(), (A, B)) == [(A, (B,)), (B, (A,))]
    assert ask(queue, run_queue.Pick(), ()) == [(None, ())]
    assert ask(queue, run_queue.Pick(wait=True), ()) == []
    assert ask(RunQueue("q", fifo=True), run_queue.Pick(), (A, B)) == [(A, (B,))]


def test_moving_between_queues_touches_both():
    here, there = RunQueue("q0"), RunQueue("q1")
    move = run_queue.Move(there.cell, (B,))
    footprint = here.footprint(A, move, no_read)
    assert footprint.reads == footprint.writes == (here.cell, there.cell)
    (outcome,) = here.handle(A, move, {here.cell: (A, B), there.cell: ()})
    assert outcome.reply == B
    assert dict(outcome.writes) == {here.cell: (A,), there.cell: (B,)}
    assert here.handle(A, move, {here.cell: (A,), there.cell: ()}) == ()


def test_choice_has_no_cell_and_an_outcome_for_each_option():
    device, message = Choice("env"), choice.Choose((1, "b"))
    footprint = device.footprint(A, message, no_read)
    assert (footprint.reads, footprint.writes) == ((), ())
    assert [(one.reply, one.label) for one in device.handle(A, message, {})] == [(1, "1"), ("b", "b")]


@pytest.mark.parametrize("device", [Variable("x"), Lock("l"), Mailbox("m"), RunQueue("q")])
def test_a_device_refuses_what_is_not_its_message(device):
    with pytest.raises(TypeError, match="has no message Choose"):
        device.handle(A, choice.Choose(()), {device.cell: ()})
