"""How many events of each class a violation takes: no more than needed, and none where none is."""

import pytest

from actors.explore.explaining.needs import needs
from actors.runtime import World, become
from tests.explore.minimising.conftest import opened


async def worker(x, goal):
    await x.wait_for(goal)


async def tick(x, left):
    if left:
        await x.fetch_add(1)
        return become(tick, x, left - 1)
    return None


async def spins(y):
    for _ in range(3):
        await y.load()


def ticking(budget, goal, other=0):
    """A variable that only ticks move must never reach a number; tocks move another one, and do no harm."""
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    world.program(worker, x, goal)
    world.source(tick, x, budget, event="tick", budget=budget)
    if other:
        world.source(tick, y, other, event="tock", budget=other, name="tock")
    world.program(spins, y)
    world.always("x is small", lambda value, goal=goal: value < goal, x)
    return world


@pytest.mark.parametrize(("budget", "goal"), [(1, 1), (3, 1), (3, 2), (4, 4)])
def test_as_many_events_are_needed_as_it_takes(budget, goal):
    with opened(ticking(budget, goal, other=2)) as given:
        found = {one.event: (one.least, one.budget) for one in needs(given)}
        assert found == {"tick": (goal, budget), "tock": (0, 2)}


async def either(x, choice):
    if await choice.choose(True, False):
        await x.wait_for(1)
    await x.load()
    assert await x.load() == 5


def test_an_execution_that_takes_events_may_not_need_them():
    world = World()
    x = world.variable("x", 0)
    world.program(either, x, world.choice(), name="p")
    world.source(tick, x, 2, event="tick", budget=2)
    with opened(world, [("tick", 0), ("p", 0), ("p", 0), ("p", 0), ("p", 0)]) as given:
        assert [(one.least, one.budget) for one in needs(given)] == [(0, 2)]


def test_what_there_is_no_room_to_go_through_is_not_known():
    with opened(ticking(3, 2)) as given:
        assert [one.least for one in needs(given, limit=2)] == [None]
        assert [one.least for one in needs(given, stop=lambda: True)] == [None]
