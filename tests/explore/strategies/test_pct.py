"""PCT: a violation of depth d among n programs of k steps is found at least once in n * k**(d-1) executions."""

import pytest

from actors.explore.strategies.pct import Pct
from actors.runtime import World


async def sets(x, y, before):
    for _ in range(before):
        await x.load()
    await x.store(1)
    await y.store(1)


async def looks(x, y, before):
    for _ in range(before):
        await y.load()
    first = await x.load()
    assert (first, await y.load()) != (1, 0), "between the two"


def between(before=2):
    """Depth 2: the second program has to come between two steps of the first, and to be done there."""
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    world.program(sets, x, y, before)
    world.program(looks, x, y, before)
    return world


def share(found):
    return sum(one.ending == "violated" for one in found) / len(found)


@pytest.mark.parametrize("depth", [2, 3])
def test_the_guarantee(ran, depth):
    k = 2 * (2 + 2)
    found = ran(between(), Pct(3, depth=depth), 3000)
    assert share(found) >= 1 / (2 * k ** (depth - 1))


def test_without_a_change_point_everybody_runs_to_its_end(ran):
    found = ran(between(), Pct(3, depth=1), 200)
    assert share(found) == 0
    assert len({one.order for one in found}) == 2


def test_priorities_change_at_most_so_often(ran):
    for one in ran(between(5), Pct(1, depth=3), 300):
        switches = sum(a != b for a, b in zip(one.programs, one.programs[1:], strict=False))
        assert switches <= 3
