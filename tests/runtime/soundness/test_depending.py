"""What a program may depend on: its arguments and replies, types included."""

import itertools
import random
import time

import pytest

from actors.runtime.digest import Digest
from actors.runtime.errors import Nondeterminism
from actors.runtime.values import same
from protocol.handles import Cell
from tests.runtime.soundness.worlds import a_world, stores_one


async def reads_the_clock(x, lock):
    await x.store(1)
    await x.store(time.perf_counter_ns())  # clock


async def draws_a_number(x, lock):
    await x.store(1)
    await x.store(random.random() < 2 and random.getrandbits(60))  # draws


SHARED = []


async def looks_at_what_another_changes(x, lock):
    SHARED.append(1)
    await x.store(1)
    await x.store(len(SHARED))  # shared


@pytest.mark.parametrize(
    ("program", "mark"),
    [(reads_the_clock, "clock"), (draws_a_number, "draws"), (looks_at_what_another_changes, "shared")],
)
def test_a_program_that_depends_on_more_than_its_replies_is_named(program, mark, run, line):
    with pytest.raises(Nondeterminism) as caught:
        run(a_world(program), checked=True)
    assert "program p is not deterministic: step 2 of it was store x" in str(caught.value)
    assert line(mark) in str(caught.value)


TOGGLE = itertools.cycle([True, 1])


async def sends_true_then_one(x, lock):
    await x.store(next(TOGGLE))  # toggles


def test_true_is_not_one_when_a_program_is_run_again(run, line):
    with pytest.raises(
        Nondeterminism, match="step 1 of it was store x True, and with the same replies it was store x 1"
    ) as caught:
        run(a_world(sends_true_then_one), checked=True)
    assert line("toggles") in str(caught.value)


async def stores_true(x, lock):
    await x.store(True)


def test_true_is_not_one_in_digests_and_states(run):
    digests = [Digest(), Digest()]
    first, second = (
        run(a_world(program), observer=digest)
        for program, digest in zip((stores_true, stores_one), digests, strict=True)
    )
    assert first.cells[Cell("x")] == second.cells[Cell("x")]
    assert not same(first.cells[Cell("x")], second.cells[Cell("x")])
    assert digests[0].value != digests[1].value


async def stores_both(x, lock):
    for value in (True, 1, True, 1):
        await x.store(value)
        read = await x.load()
        assert type(read) is type(value), "a remembered answer took one for the other"


def test_true_is_not_one_in_remembered_answers(run):
    assert run(a_world(stores_both)).ending == "finished"
