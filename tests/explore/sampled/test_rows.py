"""Walks on changing rows: states that are kept, states that are not, and what strategies see of them."""

import pytest
from hypothesis import strategies as st

from actors.explore.sampled.rows import Full, Rows, key_of
from actors.explore.stopping import Stop, never
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.tables.tables import Tables
from tests.drawn import both
from tests.runtime.generated import build, programs


class Seen(RandomWalk):
    """A random walk that writes down what it saw."""

    def begin(self, number):
        super().begin(number)
        self.seen = []

    def program(self, at):
        offers = [(one.program, one.outcomes, one.reads, one.writes, one.local) for one in at.offers]
        self.seen.append((at.state, offers, at.labelled("p0", "seen")))
        return super().program(at)


def walks(rows, seed, many=6):
    found = []
    for number in range(1, many + 1):
        walk = Seen(seed)
        walk.begin(number)
        ending = rows.run(walk, 60, never)
        found.append((walk.seen, rows.choices, ending, rows.violated, frozenset(rows.met)))
    return found


@both(35, 100, programs, st.integers(0, 1000))
def test_keeping_states_changes_nothing(drawn, seed):
    kept, forgotten, late = (Rows(Tables(build(drawn))) for _ in range(3))
    forgotten._room, late._room = 0, 30
    first = walks(kept, seed)
    assert walks(forgotten, seed) == first
    assert walks(late, seed) == first
    assert walks(kept, seed) == first
    for rows in (kept, forgotten, late):
        rows.tables.close()


@both(20, 50, programs, st.integers(0, 1000))
def test_the_enabled_ones_and_the_key_are_those_of_the_tables(drawn, seed):
    tables = Tables(build(drawn))
    rows, walk = Rows(tables), RandomWalk(seed)

    class Checked(RandomWalk):
        def program(self, at):
            row = rows._at.row
            options = tables.options(tables.layout.padded(row))
            assert [(node, moves) for _, node, moves in options] == [
                (one.node, one.moves) for one in at.offers
            ]
            assert key_of(row) == at.state
            return super().program(at)

    walk = Checked(seed)
    for number in range(1, 5):
        walk.begin(number)
        rows.run(walk, 60, never)
    tables.close()


def test_full_tables_are_told(worlds):
    rows = Rows(Tables(worlds["lossy"](n=3)), limit=5)
    with pytest.raises(Full):
        rows.run(RandomWalk(1), 1000, never)


def test_somebody_asks_to_stop(worlds):
    with pytest.raises(Stop):
        Rows(Tables(worlds["never_ends"]())).run(RandomWalk(1), 10**9, lambda: True)
