"""Four ways of searching small worlds agree: reduced, in full, on Trio, and on tuples, which share no code with them."""

import pytest

from tests.explore.reduction import on_tables, on_trio, on_tuples
from tests.explore.reduction.worlds import WAITS_FOR_THE_END, draw

MOST = 300
"""States of a world; one that has more is passed over."""
SAMPLE, ALL = 15, 1000


def small_worlds(first, many):
    """Draw worlds with what the tuples say of them: `many` behind the first ones."""
    found, seed = 0, 0
    while found < first + many:
        drawn = draw(seed)
        facts = on_tuples.search(drawn, MOST)
        if facts is not None:
            if found >= first:
                yield seed, drawn, *facts
            found += 1
        seed += 1


def check(seed, drawn, facts, states):
    """Compare the four; return how many states the reduced search met."""
    whole, met = on_tables.full(drawn)
    assert whole.without_lines() == facts, seed
    assert met == states, seed
    reduced, fewer = on_tables.reduced(drawn)
    assert reduced == whole, seed
    assert on_trio.search(drawn) == whole, seed
    return fewer


def test_on_a_sample_most_of_which_gets_smaller():
    verdicts, smaller, total = set(), 0, 0
    for world in small_worlds(0, SAMPLE):
        smaller += check(*world)
        total += world[3]
        verdicts.add(world[2].verdict)
    assert verdicts == {"proved", "violated"}
    assert smaller < total


def test_on_a_world_that_is_rarely_drawn():
    facts, states = on_tuples.search(WAITS_FOR_THE_END)
    check(None, WAITS_FOR_THE_END, facts, states)
    assert {cells[1] for cells, _ in facts.finals} == {0, 1}


@pytest.mark.full
@pytest.mark.parametrize("part", range(10))
def test_on_a_thousand(part):
    for world in small_worlds(part * ALL // 10, ALL // 10):
        check(*world)
