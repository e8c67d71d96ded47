"""Fresh: no execution twice while another one is left, whole small worlds, and rare orders of many programs."""

from collections import Counter

import pytest

from actors.explore.sampled.counting import count
from actors.explore.sampled.rows import Rows
from actors.explore.stopping import never
from actors.explore.strategies import fresh
from actors.explore.strategies.fresh import Fresh
from actors.explore.tables.tables import Tables


def test_it_runs_each_execution_of_w1_once_before_it_repeats_one(ran, w1):
    found = ran(w1(fixed=True), "fresh", 199)
    assert len({one.order for one in found}) == 199


@pytest.mark.parametrize("name", ["lossy", "family", "fails_late"])
def test_it_goes_through_small_worlds_entirely(ran, worlds, name):
    ways = count(Tables(worlds[name]())).total
    found = ran(worlds[name](), "fresh", ways)
    assert len({one.order for one in found}) == ways


def test_it_goes_on_when_everything_has_been_run(ran, worlds):
    found = ran(worlds["fails_late"](), "fresh", 50)
    assert len(found) == 50
    assert len({one.order for one in found[:8]}) == 8


def test_it_does_not_mistake_an_execution_that_the_limit_ended_for_one_that_it_knows(ran, worlds):
    found = ran(worlds["never_ends"](), "fresh", 5, limit=30)
    assert [one.ending for one in found] == ["limit"] * 5


def to_the_first(ran, world, seed, most=100):
    for number, one in enumerate(ran(world, Fresh(seed), most), 1):
        if one.ending == "violated":
            return number
    return most


@pytest.mark.parametrize("n", [3, 10, 50])
def test_reorder_takes_as_many_executions_however_many_setters_there_are(ran, zoo, n):
    needed = [to_the_first(ran, zoo("reorder")(n=n), seed, 40) for seed in range(5)]
    assert sum(needed) / 5 <= 15


@pytest.mark.parametrize(("n", "expected"), [(5, 1 / 3), (20, 3 / 4)])
def test_where_a_crowd_was_seen_places_have_priorities_more_often(zoo, n, expected):
    """Of 400 executions that many, to within three standard deviations; the first one sees the crowd."""
    strategy, drawn = Fresh(1), 400
    with Tables(zoo("twostage")(n=n)) as tables:
        Rows(tables).run(strategy, 1000, never)
    by_place = 0
    for number in range(2, drawn + 2):
        strategy.begin(number)
        by_place += strategy._style == "place"
    assert abs(by_place / drawn - expected) < 3 * (expected * (1 - expected) / drawn) ** 0.5


def test_the_philosophers_starve_soon(ran, zoo):
    needed = [to_the_first(ran, zoo("din_phil")(n=7), seed, 40) for seed in range(10)]
    assert sum(needed) / 10 <= 12


def test_the_needle_is_found_without_going_through_the_haystack_twice(ran, zoo):
    assert all(to_the_first(ran, zoo("needle")(n=20), seed, 50) <= 30 for seed in range(5))


def lock_order(rows, seed):
    """Run the first execution of a seed; return in which order the four take the ring's lock."""
    strategy = Fresh(seed)
    rows.run(strategy, 1000, never)
    return tuple(dict.fromkeys(offer.program for offer, _ in rows.path if offer.program != "main"))


def chi_square(counted, ways, drawn):
    expected = drawn / ways
    missing = ways - len(counted)
    return sum((number - expected) ** 2 / expected for number in counted.values()) + missing * expected


@pytest.mark.parametrize("style", ["step", "none"])
def test_the_first_execution_takes_each_order_of_a_lock_alike_also_where_two_stand_at_one_line(
    zoo, monkeypatch, style
):
    """99.9 of 100 even draws of 24 orders stay below 49.7 (chi-square, 23 degrees of freedom)."""
    monkeypatch.setattr(fresh, "STYLES", (style,))
    with Tables(zoo("token_ring")()) as tables:
        rows = Rows(tables)
        counted = Counter(lock_order(rows, seed) for seed in range(360))
    assert len(next(iter(counted))) == 4
    assert chi_square(counted, 24, 360) < 49.7
