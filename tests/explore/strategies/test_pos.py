"""POS: steps that race get each order, however many others lie around them."""

import pytest

from actors.runtime import World


async def writes(x, other, value, before):
    for _ in range(before):
        await other.load()
    await x.store(value)


def race(before):
    """Two stores to x, one of them behind steps that nobody else cares for."""
    world = World()
    x = world.variable("x", 0)
    for value, steps in ((1, before), (2, 0)):
        world.program(writes, x, world.variable(f"other{value}", 0), value, steps, name=f"p{value}")
    return world


def last(one):
    return one.programs[-1]


@pytest.mark.parametrize("before", [0, 1])
def test_short_races_are_even(ran, before):
    found = ran(race(before), "pos", 4000)
    first = sum(one.programs.index("p2") > one.programs.index("p1") for one in found)
    assert abs(first - 2000) < (200 if before == 0 else 700)


def test_a_program_that_has_far_to_go_still_comes_first_more_often_than_at_random(ran):
    def share(strategy):
        found = ran(race(8), strategy, 2000)
        return sum(one.programs[-1] == "p2" for one in found) / len(found)

    assert share("pos") > 1 / 10 - 0.03
    assert share("random") < 0.02


def test_steps_that_do_not_race_keep_their_priority(ran):
    """Of n steps in all, each the highest with the same chance: the store that waits is last with 1 in n."""
    found = ran(race(3), "pos", 4000)
    share = sum(one.programs[-1] == "p2" for one in found) / len(found)
    assert share == pytest.approx(1 / 5, abs=0.03)
