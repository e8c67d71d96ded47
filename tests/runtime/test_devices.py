"""The ready devices, each by its rules: what is enabled, what is replied, what changes."""

import pytest

from actors.runtime import RETRY, Choice, Lock, Mailbox, Program, RunQueue, Variable
from actors.runtime.devices import choice, lock, mailbox, run_queue, variable

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
