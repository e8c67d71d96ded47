"""The search by frontiers is the search state by state, however it is cut and whatever the fingerprints are."""

import pytest
import trio

from actors.explore.proving import search as module
from actors.explore.proving.search import Bounds, Search
from actors.explore.proving.seen import Seen
from actors.explore.proving.small import search_small
from actors.explore.tables.tables import Tables
from actors.runtime import World
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.loading import built_in
from actors.runtime.schedule import FollowLog
from tests.drawn import both
from tests.runtime.generated import build, programs

SCENARIOS = built_in("scenarios")
MOST = 1500


def by_frontiers(world, *, chunk=1 << 17, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        with Tables(world) as tables:
            return Search(tables, **options).run()


def by_states(world, **options):
    with Tables(world) as tables:
        return search_small(tables, **options)


def alike(one, other):
    return one._replace(fingerprinted=False) == other._replace(fingerprinted=False)


async def replayed(world, log):
    async with open_driver(world) as driver:
        return await driver.run(FollowLog(log))


@both(25, 60, programs)
def test_on_generated_worlds(drawn):
    for keep_going in (False, True):
        small = by_states(build(drawn), keep_going=keep_going, most=MOST)
        if small is None:
            return
        assert alike(by_frontiers(build(drawn), keep_going=keep_going), small)
        assert alike(by_frontiers(build(drawn), keep_going=keep_going, chunk=3), small)
        assert alike(by_frontiers(build(drawn), keep_going=keep_going, seed=7), small)
        if small.log is not None and not keep_going:
            execution = trio.run(replayed, build(drawn), small.log)
            assert execution.violation is not None
            assert set(execution.violation.names) <= small.violated
            assert execution.steps == len(small.log)


@pytest.mark.parametrize(
    ("cpus", "fixed", "keep_going", "states"),
    [(1, True, False, 228), (1, False, True, 198), (2, True, False, 215_568), (2, False, True, 159_948)],
)
def test_w1_has_the_states_that_other_tools_count(cpus, fixed, keep_going, states):
    found = by_frontiers(SCENARIOS["w1"](cpus=cpus, fixed=fixed), keep_going=keep_going)
    assert found.states == states
    assert (found.log is None) == fixed


def test_the_first_counterexample_is_a_shortest_one_and_the_first_in_schedule_order():
    world = SCENARIOS["lost_update"](n=3)
    logs = {tuple(by_frontiers(world, chunk=chunk, seed=chunk).log) for chunk in (1, 2, 5, 1000)}
    assert logs == {tuple(by_states(world).log)}


def test_a_world_is_small_up_to_so_many_states_in_all_and_on_one_level():
    for limits, small in (
        ({"most": 228}, True),
        ({"most": 200}, False),
        ({"widest": 13}, True),
        ({"widest": 12}, False),
    ):
        with Tables(SCENARIOS["w1"](fixed=True)) as tables:
            assert (search_small(tables, **limits) is not None) == small


async def counts(x, times):
    for number in range(1, times + 1):
        await x.store(number)


async def chooses(choice, x):
    await x.store(await choice.choose(*range(300)))


def never_299(x):
    return x != 299


def test_ways_to_go_on_that_outgrow_a_byte():
    """The codes of moves take more room from some state on, and the way to each state is still found."""
    world = World()
    x = world.variable("x", 0)
    world.program(chooses, world.choice(), x, name="p")
    world.program(counts, x, 2, name="q")
    world.always("x is never 299", never_299, x)
    found = by_frontiers(world)
    assert found.log == [("p", 299), ("p", 0)]
    assert trio.run(replayed, world, found.log).violation.names == ("x is never 299",)


def test_numbers_that_outgrow_a_byte():
    def world():
        world = World()
        x, y = world.variable("x", 0), world.variable("y", 0)
        world.program(counts, x, 300, name="long")
        world.program(counts, y, 3, name="short")
        world.always("x stays below 300", lambda x: x < 300, x)
        return world

    small = by_states(world())
    assert (small.states, len(small.log)) == (4 * 300 - 2, 300)
    assert alike(by_frontiers(world()), small)
    assert alike(by_frontiers(world(), chunk=3), small)


@pytest.mark.parametrize(
    ("bounds", "limit"),
    [(Bounds(states=50), "states"), (Bounds(memory=1), "memory"), (Bounds(seconds=1e-9), "time")],
)
def test_a_bound_ends_the_search_and_says_which(bounds, limit):
    found = by_frontiers(SCENARIOS["w1"](fixed=True), bounds=bounds)
    assert found.limit == limit
    assert found.states < 228
    assert found.log is None


def test_the_memory_of_the_states_to_be_expanded_counts():
    world = SCENARIOS["w1"](fixed=True)
    without = Seen().bytes + 6 * 228  # of all of them, once they have been expanded
    assert by_frontiers(world, bounds=Bounds(memory=without + 100)).limit == "memory"


async def one_way_or_the_other(x, choice):
    if await choice.choose(1, 2) == 1:
        await x.store(1)
    await x.wait_for(2)


def test_what_was_found_on_a_level_that_was_not_ended_is_not_called_shortest():
    def world():
        world = World()
        x = world.variable("x", 0)
        world.program(one_way_or_the_other, x, world.choice())
        world.always("x is 0", lambda x: x == 0, x)
        return world

    whole = by_frontiers(world(), chunk=1)
    assert (whole.shortest, len(whole.log), "deadlock" in whole.violated) == (True, 1, True)
    looks = []
    part = by_frontiers(world(), chunk=1, progress=lambda _: not looks.append(1) and len(looks) < 3)
    assert (part.limit, part.shortest, len(part.log), part.violated) == ("stopped", False, 2, {"x is 0"})


def test_whoever_is_told_the_progress_can_stop_it():
    told = []

    def look(progress):
        told.append(progress)
        return len(told) < 5

    found = by_frontiers(SCENARIOS["w1"](fixed=True), progress=look)
    assert found.limit == "stopped"
    assert [one.depth for one in told] == [0, 1, 2, 3, 4]
    assert [one.states for one in told] == sorted(one.states for one in told)
    assert told[-1].transitions > 0
