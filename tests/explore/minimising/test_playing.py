"""Playing wishes: an execution's own steps give it again, and any wishes give an execution that Trio repeats."""

import random

from hypothesis import strategies as st

from actors.explore.minimising.events import Events
from actors.explore.minimising.playing import Allowance, counted, events_of, play, replay
from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables
from actors.runtime import World
from actors.runtime.schedule import Follow, FollowLog
from tests.drawn import both
from tests.explore.minimising.conftest import choices_of_log
from tests.runtime.generated import build, programs

LIMIT = 300


async def steps(x, count):
    for _ in range(count):
        await x.fetch_add(1)


def two(first=2, second=2):
    world = World()
    x = world.variable("x", 0)
    world.program(steps, x, first, name="a")
    world.program(steps, x, second, name="b")
    return world


def names(wishes, world=None):
    with Tables(world or two()) as tables:
        return "".join(name for name, _ in play(Graph(tables), wishes).log)


def with_ticks(wishes, most):
    """Play a world of one step and up to two ticks, of which so many are allowed; return who took steps, and the ending."""
    world = World()
    x = world.variable("x", 0)
    world.source(steps, x, 2, event="tick", budget=2, name="t")
    world.program(steps, x, 1, name="a")
    with Tables(world) as tables:
        graph, events = Graph(tables), Events(tables)
        (column,) = events.sources
        played = play(graph, wishes, allowance=Allowance(events, {(column, "tick"): most}))
        if played.ending == "finished":
            assert events_of(played, events) == ({(column, "tick"): most} if most else {})
        return "".join(name for name, _ in played.log), played.ending


def test_with_an_allowance_there_are_as_many_events_and_no_more():
    assert with_ticks([("t", 0), ("t", 0), ("a", 0)], 2) == ("tta", "finished")
    assert with_ticks([("t", 0), ("t", 0), ("a", 0)], 1) == ("ta", "finished")
    assert with_ticks([], 0) == ("a", "finished")
    assert with_ticks([("t", 0), ("a", 0)], 2) == ("ta", "other events")
    assert with_ticks([("a", 0)], 1) == ("a", "other events")


async def awaits(x):
    await x.wait_for(2)


def test_an_order_that_could_only_go_on_with_more_events_ends():
    world = World()
    x = world.variable("x", 0)
    world.source(steps, x, 2, event="tick", budget=2, name="t")
    world.program(awaits, x, name="a")
    with Tables(world) as tables:
        graph, events = Graph(tables), Events(tables)
        (column,) = events.sources
        played = play(graph, [("t", 0)], allowance=Allowance(events, {(column, "tick"): 1}))
        assert ([name for name, _ in played.log], played.ending) == (["t"], "other events")


def test_wishes_are_taken_in_their_order_and_the_default_order_goes_on():
    assert names([]) == "aabb"
    assert names([("b", 0)]) == "bbaa"
    assert names([("b", 0), ("a", 0)]) == "baab"
    assert names([("a", 0), ("b", 0), ("a", 0)]) == "abab"


def test_a_wish_of_somebody_who_has_ended_or_never_was_is_passed_over():
    assert names([("a", 0)] * 5 + [("c", 0), ("b", 7)]) == "aabb"


async def locked(lock, x):
    async with lock:
        await x.load()


def test_a_wish_of_somebody_who_waits_is_taken_as_soon_as_it_can_be():
    world = World()
    lock, x = world.lock("l"), world.variable("x", 0)
    for name in "ab":
        world.program(locked, lock, x, name=name)
    assert names([("a", 0), *[("b", 0)] * 3, ("a", 0), ("a", 0)], world) == "aaabbb"


def test_a_limit_is_no_end():
    with Tables(two()) as tables:
        played = play(Graph(tables), [], limit=3)
        assert (played.ending, len(played.steps)) == ("limit", 3)
        assert play(Graph(tables), [], limit=4).ending == "finished"


def test_switches_are_counted_between_steps():
    with Tables(two()) as tables:
        graph = Graph(tables)

        def switches(wishes):
            class Nothing:
                @staticmethod
                def of(*_):
                    return ""

            return counted(play(graph, wishes), Nothing()).switches

        assert [switches([]), switches([("b", 0)]), switches([("b", 0), ("a", 0)])] == [1, 1, 2]


@both(
    25,
    60,
    drawn=programs.filter(lambda one: not all(background for _, background in one)),
    seed=st.integers(0, 99),
)
def test_what_is_played_runs_on_trio_and_its_choices_give_it_again(drawn, seed):
    draw = random.Random(seed)
    world = build(drawn)
    with Tables(world) as tables:
        graph = Graph(tables)
        everybody = [spec.handle.name for spec in world.programs]
        wishes = [(draw.choice(everybody), draw.randrange(3)) for _ in range(draw.randrange(12))]
        played = play(graph, wishes, LIMIT)
        assert play(graph, played.log, LIMIT) == played
        if played.ending == "limit":
            return
        choices = choices_of_log(tables, played.log)
        assert replay(graph, choices) == played
    for chooser in (FollowLog(played.log), Follow(choices)):
        execution = run(build(drawn), chooser)
        assert execution.ending == played.ending
        assert execution.steps == len(played.steps)
        names = execution.violation.names if execution.violation is not None else ()
        assert names == played.end.violated


def run(world, chooser):
    import trio

    from actors.runtime.drivers.trio_driver import open_driver

    async def main():
        async with open_driver(world) as driver:
            return await driver.run(chooser)

    return trio.run(main)


def test_the_place_of_a_programs_step_is_found_by_how_many_it_has_taken():
    with Tables(two()) as tables:
        played = play(Graph(tables), [("a", 0), ("b", 0), ("b", 0), ("a", 0)])
    assert [one.name for one in played.steps] == ["a", "b", "b", "a"]
    assert [played.place("a", 0), played.place("a", 1), played.place("a", 2)] == [0, 3, None]
    assert [played.place("b", 0), played.place("b", 1), played.place("c", 0)] == [1, 2, None]
