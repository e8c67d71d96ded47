"""Where there is too much to go through, changes that help are kept: never dearer, and the same violation."""

import itertools

import pytest
from hypothesis import HealthCheck, assume
from hypothesis import strategies as st

from actors.explore.minimising import shortening
from actors.explore.minimising.minimal import minimal
from actors.explore.minimising.order import FEWEST_SWITCHES
from actors.explore.minimising.playing import play
from actors.explore.minimising.shortening import shortened, stretches
from actors.explore.sampled.rows import Rows
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables
from tests.drawn import both
from tests.explore.minimising.conftest import opened
from tests.explore.proving import test_oracle as oracle
from tests.zoo.shapes import SHAPES


def sampled(world, seed=1, executions=400):
    """Return the log of the first violating one of some random executions, or None."""
    with Tables(world) as tables:
        rows, walk = Rows(tables), RandomWalk(seed)
        for number in range(1, executions + 1):
            walk.begin(number)
            if rows.run(walk, 10_000, lambda: False) == "violated":
                return [(offer.program, offer.moves.index(move)) for offer, move in rows.path]
    return None


def test_an_execution_is_taken_apart_at_its_switches():
    with Tables(SHAPES["lost_update"]()) as tables:
        played = play(Graph(tables), [])
        parts = stretches(played.steps)
        assert "".join(part.name[-1] * (part.end - part.first) for part in parts) == "".join(
            name[-1] for name, _ in played.log
        )
        assert all(one.name != other.name for one, other in itertools.pairwise(parts))
        assert [part.first for part in parts[1:]] == [part.end for part in parts[:-1]]


@both(20, 60, drawn=oracle.worlds, seed=st.integers(0, 9), suppress=[HealthCheck.filter_too_much])
def test_what_is_shortened_is_no_dearer_and_ends_in_the_same(drawn, seed):
    log = sampled(oracle.build(drawn), seed, 30)
    assume(log is not None)
    with opened(oracle.build(drawn), log) as given:
        found = shortened(given.graph, given.played, given.same, FEWEST_SWITCHES, given.events)
        cost = FEWEST_SWITCHES.cost
        assert given.same(found.end)
        assert cost(given.counts(found)) <= cost(given.counts(given.played))
        again = shortened(given.graph, found, given.same, FEWEST_SWITCHES, given.events)
        assert again.log == found.log, "a change that helps was left"
        assert cost(minimal(given).after) <= cost(given.counts(found))


@pytest.mark.parametrize(("name", "switches"), [("qsort_mt", 6), ("bounded_buffer", 6), ("din_phil", 3)])
def test_in_the_zoo_it_comes_to_what_is_exact(name, switches):
    world = SHAPES[name]
    with opened(world(), sampled(world())) as given:
        found = minimal(given, limit=50)
        assert not found.exact
        assert found.after.switches == switches
        assert found.before.switches >= switches


def test_no_more_is_tried_than_is_allowed(monkeypatch):
    world = SHAPES["qsort_mt"]
    monkeypatch.setattr(shortening, "TRIED", 0)
    monkeypatch.setattr(shortening, "_TAIL", 0)
    with opened(world(), sampled(world())) as given:
        found = minimal(given, limit=50)
        assert (found.exact, found.after) == (False, found.before)
        stopped = minimal(given, stop=lambda: True)
        assert (stopped.exact, stopped.after) == (False, stopped.before)
