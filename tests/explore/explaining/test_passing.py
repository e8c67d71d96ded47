"""Whether any order of the same events passes: as a search says that shares no code, and as small worlds have it."""

import pytest
from hypothesis import HealthCheck, assume
from hypothesis import strategies as st

from actors.explore.explaining.explain import explained
from actors.explore.explaining.outcomes import last_choice
from actors.explore.explaining.passing import Searched, last_way_out
from actors.explore.explaining.trials import Trials
from actors.explore.explaining.windows import narrowest
from actors.explore.minimising.playing import events_of, play
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


def assert_out(given, searched):
    """An order that is said to pass does, with the same events; where none does, no change of order or outcome passes."""
    trials = Trials(given)
    found, choice = narrowest(given, trials), last_choice(given, trials)
    passing = [one.passes for one in (found.opens, found.closes) if one is not None] if found else []
    passing += [choice.passes] if choice is not None else []
    if searched.log is None:
        assert searched.states is not None
        assert not passing
        return
    left = play(given.graph, searched.log)
    assert left.log == searched.log
    assert left.log[: searched.leaves] == given.played.log[: searched.leaves]
    assert left.log[searched.leaves] != given.played.log[searched.leaves]
    for one in (left, *passing):
        assert one.ending == "finished"
        assert events_of(one, given.events) == events_of(given.played, given.events)


@both(60, 300, drawn=oracle.worlds, suppress=[HealthCheck.filter_too_much])
def test_no_order_passes_exactly_where_a_search_on_tuples_finds_none(drawn):
    passing, states = passes(drawn)
    assume(states <= 2_000)
    with opened(oracle.build(drawn)) as given:
        assume(given is not None)
        searched = last_way_out(given)
        assert searched.states == (None if passing else states)
        assert_out(given, searched)


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
        assert last_way_out(given).states == 8, "one where it has not come at the end is none of these orders"
        assert_out(given, last_way_out(given))


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
        searched = last_way_out(given)
        assert (searched.leaves, searched.states) == (0, None), "behind the tick nothing helps"
        assert_out(given, searched)


def test_neither_fewer_nor_more_events_are_a_flip():
    for world, log in ((ticking(1, 1), LATE), (ticking(2, 1), TWO), (ticking(2, 1), LATE)):
        with opened(world, log) as given:
            assert narrowest(given, Trials(given)) is None
            assert last_choice(given, Trials(given)) is None


async def parity(x):
    assert await x.load() != 1
    await x.load()


def test_an_order_that_would_pass_with_one_more_event_is_none_of_these():
    world = World()
    x = world.variable("x", 0)
    world.program(parity, x, name="parity")
    world.source(source, x, 2, event="tick", budget=2, name="source")
    with opened(world, [("source", 0), ("parity", 0)]) as given:
        assert given.violated
        found = narrowest(given, Trials(given))
        assert found is not None, "the tick may come behind the first load"
        for one in (found.opens, found.closes):
            assert one is None or events_of(one.passes, given.events).total() == 1
        assert_out(given, last_way_out(given))


def ticked(drawn, budget):
    """Build a drawn world in which ticks add to a variable."""
    world = World()
    x, y = (world.variable(name, 0) for name in ("x", "y"))
    locks = tuple(world.lock(name) for name in ("l", "m"))
    for number, (operations, background) in enumerate(drawn):
        world.program(
            oracle.carry_out,
            operations,
            (x, y),
            locks,
            world.choice(),
            name=f"p{number}",
            background=background,
        )
    world.source(source, x, budget, event="tick", budget=budget, name="source")
    world.always("x is not 2", lambda value: value != 2, x)
    return world


@both(60, 300, drawn=oracle.worlds, budget=st.integers(1, 3), suppress=[HealthCheck.filter_too_much])
def test_what_passes_has_the_same_events_and_where_none_does_nothing_is_said_to(drawn, budget):
    with opened(ticked(drawn, budget)) as given:
        assume(given is not None)
        searched = last_way_out(given)
        assume(searched != Searched())
        assert_out(given, searched)


def test_more_events_than_there_were_are_no_change_of_order():
    with opened(ticking(2, 1), LATE) as one, opened(ticking(2, 1), TWO) as two:
        assert last_way_out(one).states < last_way_out(two).states


def test_a_limit_or_whoever_stops_it_leaves_it_unknown():
    with opened(ticking(2, 1), LATE) as given:
        states = last_way_out(given).states
        assert last_way_out(given, limit=states).states == states
        assert last_way_out(given, limit=states - 1) == Searched()
        assert last_way_out(given, stop=lambda: True) == Searched()


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


async def between(x, z):
    assert await z.load() == 0
    assert await x.load() == 1


async def stores(variable):
    await variable.store(1)


@scenario
def twice() -> World:
    """Is there an order between two others?"""
    world = World()
    x, z = world.variable("x", 0), world.variable("z", 0)
    world.program(stores, z, name="late")
    world.program(between, x, z, name="between")
    world.program(stores, x, name="early")
    return world


def test_where_one_change_is_too_few_the_order_that_passes_is_given_and_it_is_said():
    with opened(twice(), [("late", 0), ("between", 0)]) as given:
        assert narrowest(given, Trials(given)) is None
        assert_out(given, last_way_out(given))
    recorded = next(
        one
        for one in (run_once(twice, {}, seed=seed) for seed in range(99))
        if [step.program for step in one.record.steps] == ["late", "between"]
    )
    explanation = explained(twice, {}, recorded).record.explanation
    flip = explanation.flip
    assert (explanation.window, explanation.hopeless, flip.alone) == (None, None, False)
    assert flip.first.program in {"early", "between"}
    assert flip.second.text == "store z 1"
    passes = replay(twice, decode(flip.token)).record
    assert passes.violation is None
    assert passes.steps[0].text == flip.first.text


@pytest.mark.parametrize("name", ["lost_update", "din_phil"])
def test_nothing_is_said_where_there_is_a_flip(name):
    recorded = verify(SHAPES[name], SHAPES[name].convert({}), Demand()).recorded
    explanation = explained(SHAPES[name], SHAPES[name].convert({}), recorded).record.explanation
    assert explanation.hopeless is None
    assert replay(SHAPES[name], decode(explanation.flip.token)).record.violation is None
