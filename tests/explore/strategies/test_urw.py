"""URW: each execution as likely as any other, exactly where they can be counted, and it says which."""

from collections import Counter
from itertools import count as numbers

import pytest

from actors.explore.sampled.counting import Counts, count
from actors.explore.sampling import Wanted, explore
from actors.explore.strategies.urw import Urw
from actors.explore.tables.tables import Tables
from actors.runtime import World

CRITICAL = 286.0
"""The 0.99999 quantile of chi-square with 198 degrees of freedom."""


def counted(world):
    return count(Tables(world))


def chi_square(drawn, ways):
    expected = sum(drawn.values()) / ways
    return (
        sum((found - expected) ** 2 / expected for found in drawn.values()) + (ways - len(drawn)) * expected
    )


def test_the_199_executions_of_w1_are_uniform(ran, w1):
    found = ran(w1(fixed=True), "urw", 20_000)
    drawn = Counter(one.order for one in found)
    assert len(drawn) == 199
    assert chi_square(drawn, 199) < CRITICAL


def test_the_random_walk_is_not(ran, w1):
    drawn = Counter(one.order for one in ran(w1(fixed=True), "random", 20_000))
    assert chi_square(drawn, 199) > 10 * CRITICAL


async def steps(x, many):
    for _ in range(many):
        await x.load()


def beside(*lengths):
    world = World()
    x = world.variable("x", 0)
    for place, length in enumerate(lengths):
        world.program(steps, x, length, name=f"p{place}")
    return world


def test_the_count_is_that_of_the_orders():
    assert counted(beside(3, 2)).total == 10
    assert counted(beside(4, 4, 4)).total == 34_650
    assert counted(beside(*[3] * 5)).total == 168_168_000


def test_more_executions_than_fit_into_a_word(ran):
    world = beside(60, 60)
    counts = counted(world)
    assert counts.total > 2**110
    found = ran(world, "urw", 200)
    switches = [sum(a != b for a, b in zip(one.programs, one.programs[1:], strict=False)) for one in found]
    assert sum(switches) / len(switches) == pytest.approx(60, abs=3)


def test_where_executions_go_in_circles_there_is_no_count(worlds):
    assert counted(worlds["never_ends"]()) == "executions go in circles"
    assert "more than 10 states" in count(Tables(beside(9, 9)), most=10)


def test_the_estimate_is_uniform_over_the_orders_of_independent_programs(ran):
    found = ran(beside(3, 2), Urw(1), 6000)[1000:]
    drawn = Counter(one.order for one in found)
    assert len(drawn) == 10
    assert chi_square(drawn, 10) < 50


def test_it_says_which(worlds):
    exact = explore(worlds["lossy"], {"n": 1}, Wanted(strategy="urw", executions=5))
    assert exact.note.startswith("urw: uniform over all ")
    about = explore(worlds["never_ends"], {}, Wanted(strategy="urw", executions=2, limit=20))
    assert "about uniform" in about.note
    assert "executions go in circles" in about.note
    on_trio = explore(worlds["lossy"], {"n": 1}, Wanted(strategy="urw", executions=5, driver="trio"))
    assert "about uniform" in on_trio.note
    assert explore(worlds["lossy"], {"n": 1}, Wanted(executions=5)).note is None


def test_outcomes_count_like_orders(ran, worlds):
    counts = counted(worlds["fails_late"]())
    assert isinstance(counts, Counts)
    assert counts.total == 8
    drawn = Counter(one.order for one in ran(worlds["fails_late"](), "urw", 4000))
    assert len(drawn) == 8
    assert chi_square(drawn, 8) < 40


def test_every_counted_execution_is_run_in_time(ran, w1):
    """Coupon collecting: 199 of them take about 1,170 draws."""
    seen, found = set(), ran(w1(fixed=True), "urw", 5000)
    for number in numbers():
        seen.add(found[number].order)
        if len(seen) == 199:
            break
    assert number < 3000
