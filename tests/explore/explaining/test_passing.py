"""Whether any order of the same events passes: as a search says that shares no code, and as small worlds have it."""

import pytest
from hypothesis import HealthCheck, assume

from actors.explore.explaining.explain import explained
from actors.explore.explaining.passing import none_passes
from actors.explore.recording import run_once
from actors.explore.replay import replay
from actors.explore.token import decode
from actors.explore.verification import Demand, verify
from actors.runtime import World, scenario
from tests.drawn import both
from tests.explore.minimising.conftest import opened
from tests.explore.proving import test_oracle as oracle
from tests.zoo.shapes import SHAPES


def wrong_or_over(programs, required, state):
    x, _, locals_ = state
    wrong = x[0] >= 3 or any(local[3] for local in locals_)
    over = all(locals_[number][1] == len(programs[number]) for number in required)
    return "wrong" if wrong else "over" if over else ""


def passes(drawn):
    """Say whether any execution of tuples comes to its end, and how many states there are on the way."""
    programs = [operations for operations, _ in drawn]
    required = [number for number, (_, background) in enumerate(drawn) if not background]
    first = (
        (0, 0),
        (oracle.FREE, oracle.FREE),
        tuple(oracle.settle(one, ((), 0, 0, False)) for one in programs),
    )
    known, waiting, passing = {first}, [first], False
    while waiting:
        state = waiting.pop()
        stands = wrong_or_over(programs, required, state)
        passing |= stands == "over"
        for after in oracle.following(programs, state) if not stands else ():
            if after not in known:
                known.add(after)
                waiting.append(after)
    return passing, len(known)


@both(60, 300, drawn=oracle.worlds, suppress=[HealthCheck.filter_too_much])
def test_no_order_passes_exactly_where_a_search_on_tuples_finds_none(drawn):
    passing, states = passes(drawn)
    assume(states <= 2_000)
    with opened(oracle.build(drawn)) as given:
        assume(given is not None)
        assert none_passes(given) == (None if passing else states)


async def source(x, count):
    for _ in range(count):
        await x.fetch_add(1)


async def reader(x, most):
    await x.load()
    assert await x.load() < most


def ticking(budget, most):
    world = World()
    x = world.variable("x", 0)
    world.program(reader, x, most, name="reader")
    world.source(source, x, budget, event="tick", budget=budget, name="source")
    return world


LATE = [("source", 0), ("reader", 0), ("reader", 0)]
TWO = [("source", 0), ("source", 0), ("reader", 0), ("reader", 0)]


def test_an_event_may_come_later_and_must_come():
    with opened(ticking(1, 1), LATE) as given:
        assert given.violated
        assert none_passes(given) == 8, "one where it has not come at the end is none of these orders"


async def outlives(x, most):
    assert await x.load() < most
    await x.load()


def test_an_order_in_which_it_comes_late_passes():
    world = World()
    x = world.variable("x", 0)
    world.program(outlives, x, 1, name="reader")
    world.source(source, x, 1, event="tick", budget=1, name="source")
    with opened(world, LATE[:2]) as given:
        assert given.violated
        assert none_passes(given) is None


def test_more_events_than_there_were_are_no_change_of_order():
    with opened(ticking(2, 1), LATE) as one, opened(ticking(2, 1), TWO) as two:
        assert none_passes(one) < none_passes(two)


def test_a_limit_or_whoever_stops_it_leaves_it_unknown():
    with opened(ticking(2, 1), LATE) as given:
        states = none_passes(given)
        assert none_passes(given, limit=states) == states
        assert none_passes(given, limit=states - 1) is None
        assert none_passes(given, stop=lambda: True) is None


async def fails(x):
    await x.load()
    assert await x.load() == 1


@scenario
def hopeless() -> World:
    """Can what is wrong in every order be told from a race?"""
    world = World()
    x = world.variable("x", 0)
    for name in "ab":
        world.program(fails, x, name=name)
    return world


def test_what_is_explained_says_so():
    one = explained(hopeless, {}, run_once(hopeless, {}, seed=1))
    assert (one.record.explanation.flip, one.record.explanation.hopeless) == (None, 8)


@pytest.mark.parametrize("name", ["lost_update", "din_phil"])
def test_nothing_is_said_where_there_is_a_flip(name):
    recorded = verify(SHAPES[name], SHAPES[name].convert({}), Demand()).recorded
    explanation = explained(SHAPES[name], SHAPES[name].convert({}), recorded).record.explanation
    assert explanation.hopeless is None
    assert replay(SHAPES[name], decode(explanation.flip.token)).record.violation is None
