"""The cheapest execution is the one that a plain search finds, which shares no code with it and prunes nothing."""

import heapq
import itertools

import pytest
from hypothesis import HealthCheck, assume

from actors.explore.minimising.cheapest import PLACES, Start, cheapest
from actors.explore.minimising.identity import Enders, enders
from actors.explore.minimising.minimal import minimal
from actors.explore.minimising.order import FEWEST_SWITCHES, SHORTEST, Counts
from actors.explore.minimising.playing import counted, play
from actors.runtime import World, become, spawn
from tests.drawn import both
from tests.explore.minimising.conftest import opened
from tests.explore.minimising.test_zoo import plainly as plainly_on
from tests.explore.proving import test_oracle as oracle

MOST = 3_000


def wrong(programs, required, state):
    """Say what is wrong in a state of the oracle's: the condition, and who failed and how; nothing if it goes on."""
    x, _, locals_ = state
    failed = {
        (f"p{number}: {'RuntimeError' if local[0][-1:] == ('raised',) else 'AssertionError'}")
        for number, local in enumerate(locals_)
        if local[3]
    }
    broken = {"x is small"} if x[0] >= 3 else set()
    if failed or broken:
        return failed | broken
    if any(state[2][number][1] < len(programs[number]) for number in required):
        return set() if list(oracle.following(programs, state)) else {"deadlock"}
    return None


def plainly(drawn, names, order):
    """Return the least cost of an execution that ends in that, going through pairs of state and last program."""
    programs = [operations for operations, _ in drawn]
    required = [number for number, (_, background) in enumerate(drawn) if not background]
    first = (
        (0, 0),
        (oracle.FREE, oracle.FREE),
        tuple(oracle.settle(one, ((), 0, 0, False)) for one in programs),
    )
    number = itertools.count()
    waiting, known = [(0, next(number), first, None)], {}
    while waiting:
        cost, _, state, last = heapq.heappop(waiting)
        if known.get((state, last), cost + 1) <= cost:
            continue
        known[state, last] = cost
        stands = wrong(programs, required, state)
        if stands == names:
            return cost
        if stands is None or stands:
            continue
        for after in oracle.following(programs, state):
            who = next(n for n in range(len(programs)) if after[2][n] != state[2][n])
            more = order.step + (order.switch if last not in {None, who} else 0)
            heapq.heappush(waiting, (cost + more, next(number), after, who))
    return None


@pytest.mark.parametrize("order", [FEWEST_SWITCHES, SHORTEST], ids=["switches", "steps"])
@both(50, 150, drawn=oracle.worlds, suppress=[HealthCheck.filter_too_much])
def test_a_plain_search_finds_nothing_cheaper(order, drawn):
    states, _, shortest = oracle.search(drawn)
    assume(states <= MOST and shortest is not None)
    with opened(oracle.build(drawn)) as given:
        found = minimal(given, order)
        assert found.exact
        least = plainly(drawn, set(given.played.end.violated), order)
        assert order.cost(found.after) == least
        whose = enders(given.identity)
        assert cheapest(given.graph, given.same, order, given.events, enders=whose).cost == least
        assert found.after == given.counts(play(given.graph, found.log))
        assert given.same(play(given.graph, found.log).end)


async def twice(x, y, background):
    for _ in range(2):
        await x.store(await y.load() + 1)
    if background:
        await x.store(7)


def pair():
    """Each reads what the other writes; the second one, a source of events, ends with a violation."""
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    world.program(twice, x, y, False, name="a")
    world.source(twice, y, x, True, event="tick", budget=5, name="b")
    world.always("y stays small", lambda value: value < 7, y)
    return world


def test_events_are_counted_where_the_world_says_so():
    with opened(pair()) as given:
        found = minimal(given)
        assert found.after == (0, 5, 5)
        assert {name for name, _ in found.log} == {"b"}


def test_what_costs_as_much_as_the_bound_is_not_found_and_a_limit_says_what_is_known():
    with opened(pair()) as given:
        cost = FEWEST_SWITCHES.cost(minimal(given).after)
        arguments = (given.graph, given.same, FEWEST_SWITCHES, given.events)
        assert cheapest(*arguments, bound=cost + 1).cost == cost
        none = cheapest(*arguments, bound=cost)
        assert (none.log, none.complete) == (None, True)
        gave_up = cheapest(*arguments, limit=3)
        assert (gave_up.log, gave_up.complete) == (None, False)
        assert 0 < gave_up.least <= cost
        asked = cheapest(*arguments, stop=lambda: True)
        assert not asked.complete


def test_a_search_may_begin_anywhere():
    with opened(pair()) as given:
        played = play(given.graph, [("a", 0), ("b", 0)])
        third = played.steps[2]
        for last, switches in ((played.steps[1].column, 0), (played.steps[0].column, 1), (None, 0)):
            found = cheapest(
                given.graph, given.same, FEWEST_SWITCHES, given.events, start=Start(third.state, last)
            )
            assert found.log == [("b", 0)] * 4
            assert found.cost == FEWEST_SWITCHES.cost(Counts(switches, 4, 4))


def test_a_program_fails_at_its_own_step_or_at_that_of_its_ancestors():
    drawn = (((("add", 0), ("expect", -1)), False), ((("add", 0),), False))
    with opened(oracle.build(drawn)) as given:
        assert enders(given.identity) == Enders(frozenset({"p0"}))
        assert counted(given.played, given.events).steps == 1
    deep = Enders(frozenset({"p.1.0", "q"}))
    assert all(deep.may_be(name) for name in ("p", "p.1", "p.1.0", "q"))
    assert not any(deep.may_be(name) for name in ("p.1.0.0", "p.10", "p.2", "q.0", "r"))


async def fails(x, early):
    if early:
        for value in (5, 6, 7):
            await x.store(value)
    bad = early or await x.load() == 1
    assert not bad


async def spawns(x, choice):
    early = await choice.choose(False, True)
    await spawn(fails, x, early, background=early)
    for _ in range(3):
        await x.load()


async def stores(x):
    await x.store(1)


def test_a_program_that_is_met_in_the_background_only_on_the_way_may_fail_as_well():
    world = World()
    x = world.variable("x", 0)
    world.program(spawns, x, world.choice(), name="p")
    world.program(stores, x, name="o")
    with opened(world, [("p", 0), ("p", 0), ("o", 0), ("p.0", 0)]) as given:
        assert ("p.0", True) not in given.tables.layout.programs
        found = minimal(given)
        assert ("p.0", True) in given.tables.layout.programs
        assert (found.exact, found.after) == (True, (1, 0, 5))
        assert plainly_on(given) == 1


async def turn(x, mine):
    if (seen := await x.load()) % 2 == mine:
        await x.store(seen + 1)
    return become(turn, x, mine)


async def polls(x):
    await x.load()
    return become(polls, x)


async def polls_both(x, y):
    await x.load()
    await y.load()
    return become(polls_both, x, y)


def polled(poll, count, turns):
    """Two take turns; the others look, again and again."""
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    for mine in (0, 1):
        world.program(turn, x, mine, name=f"t{mine}")
    for number in range(count):
        world.program(poll, *(x, y)[: 1 + (poll is polls_both)], name=f"q{number}", background=True)
    world.always("x stays small", lambda value: value < turns, x)
    return world


def test_who_polls_costs_nothing():
    with opened(polled(polls, 12, 8)) as given:
        found = cheapest(
            given.graph, given.same, FEWEST_SWITCHES, given.events, enders=enders(given.identity)
        )
        assert found.cost == FEWEST_SWITCHES.cost(Counts(7, 0, 16))
        assert found.places <= 2 * found.states <= 40


def test_the_search_gives_up_where_there_are_few_states_but_many_places():
    turns = [(f"t{number % 2}", 0) for number in range(6) for _ in range(2)]
    with opened(polled(polls_both, 6, 6), [("q0", 0), *turns[:2], ("q1", 0), *turns[2:]]) as given:
        bound = FEWEST_SWITCHES.cost(given.counts(given.played))
        arguments = (given.graph, given.same, FEWEST_SWITCHES, given.events)
        known = {"bound": bound, "enders": enders(given.identity)}
        whole = cheapest(*arguments, **known)
        limit = whole.states
        assert whole.complete
        assert whole.places > PLACES * limit
        found = cheapest(*arguments, **known, limit=limit)
        assert (found.log, found.complete) == (None, False)
        assert found.states < limit
        assert found.places == PLACES * limit + 1
        assert 0 < found.least <= whole.cost
        least = minimal(given, limit=limit)
        assert (least.exact, least.before, least.after) == (False, (7, 0, 14), (5, 0, 12))
        assert given.same(play(given.graph, least.log).end)
