"""Batches: the executions that the strategy would choose alone, one for one."""

from functools import partial

import pytest
from hypothesis import strategies as st

from actors.explore.sampled.columns import Columns
from actors.explore.sampled.counting import Counts, TooLarge, count
from actors.explore.sampled.rows import Rows
from actors.explore.stopping import Stop, never
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.strategies.urw import Urw
from actors.explore.tables.tables import Tables
from actors.runtime.loading import built_in
from tests.drawn import both
from tests.runtime.generated import build, programs

W1 = built_in("scenarios")["w1"]


def compare(world, make, first, many, limit=60, *, seed=7, tables=None, counts=None):
    tables, strategy = tables or Tables(world), make(seed)
    names = tuple(one.name for one in world.conditions if one.mode == "sometimes")
    columns = Columns(tables, names, counts)
    walked = columns.walk(seed, first, many, limit)
    rows = Rows(tables)
    met, undecided, violated = set(), 0, {}
    for place in range(many):
        strategy.begin(first + place)
        rows.run(strategy, limit, never)
        assert rows.steps == walked.steps[place]
        met |= rows.met
        undecided += rows.ending == "limit"
        if rows.ending == "violated":
            violated[first + place] = (rows.steps, rows.violated)
    assert walked.violated == list(violated)
    assert columns.met(walked) == met
    assert walked.undecided == undecided
    best = {}
    for place, found in columns.shortest(walked):
        assert violated[first + place] == (walked.steps[place], found)
        best[found] = min(best.get(found, limit), int(walked.steps[place]))
    alone = {}
    for steps, found in violated.values():
        alone[found] = min(alone.get(found, limit), steps)
    assert best == alone
    tables.close()


@both(35, 100, programs, st.integers(0, 2**64), st.integers(1, 10**6))
def test_random_walks_on_generated_worlds(drawn, seed, first):
    compare(build(drawn), RandomWalk, first, 40, seed=seed)


@both(20, 60, programs, st.integers(0, 1000))
def test_uniform_walks_on_generated_worlds(drawn, seed):
    world = build(drawn)
    tables = Tables(world)
    counts = count(tables, most=2000)
    if isinstance(counts, Counts) and counts.total < 2**62:
        compare(world, partial(Urw, counts=counts), 1, 40, 1000, seed=seed, tables=tables, counts=counts)
    else:
        tables.close()


@pytest.mark.parametrize("fixed", [False, True])
def test_w1(fixed):
    compare(W1(fixed=fixed), RandomWalk, 1000, 300)


def test_somebody_asks_to_stop(worlds):
    columns = Columns(Tables(worlds["never_ends"]()), ())
    with pytest.raises(Stop):
        columns.walk(1, 1, 10, 10**9, stop=lambda: True)


def test_a_world_with_too_many_states_is_refused(monkeypatch):
    monkeypatch.setattr("actors.explore.sampled.columns.MOST_STATES", 50)
    with pytest.raises(TooLarge):
        Columns(Tables(W1(fixed=True)), ("an exit lands inside the guest's #NM window",)).walk(
            1, 1, 500, 1000
        )
