"""The graph says of each state what the tables say, whatever way it was come by."""

import random

from hypothesis import strategies as st

from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables
from actors.runtime.endings import names_of
from actors.runtime.loading import built_in
from tests.drawn import both
from tests.runtime.generated import build, programs

STATES = 150


def look_around(tables, seed):
    """Go to states in a random order, and compare each with its row; return how many there were."""
    graph, draw = Graph(tables), random.Random(seed)
    found = {graph.first.number: graph.first}
    waiting = [graph.first]
    while waiting and len(found) < STATES:
        state = waiting.pop(draw.randrange(len(waiting)))
        compare(tables, graph, state)
        for place, (_, _, moves) in enumerate(state.options or () if state.ending is None else ()):
            for index in range(len(moves)):
                after = graph.follow(state, place, index)
                assert (
                    after.row == tables.layout.padded(tables.after(state.row, moves[index]))[: len(after.row)]
                )
                if after.number not in found:
                    found[after.number] = after
                    waiting.append(after)
    assert len({tables.layout.padded(one.row) for one in found.values()}) == len(found)
    return len(found)


def compare(tables, graph, state):
    row = tables.layout.padded(state.row)
    broken, met = tables.judge.judged(row)
    failures = [node.failure for node in tables.failures(row)]
    assert (state.violated, state.met) == (names_of(broken, failures), met)
    assert state.over == (bool(failures) or tables.finished(row))
    if state.ending is not None:
        assert state.ending == ("violated" if state.violated else "finished")
        assert state.violated or tables.finished(row)
        return
    assert not tables.finished(row)
    options = graph.options(state)
    row = tables.layout.padded(state.row)
    expected = tables.options(row)
    assert [(column, node) for column, node, _ in options] == [(column, node) for column, node, _ in expected]
    assert all(one[2] is other[2] for one, other in zip(options, expected, strict=True))
    assert (state.ending == "violated") == (not options)


@both(
    30,
    80,
    drawn=programs.filter(lambda one: not all(background for _, background in one)),
    seed=st.integers(0, 99),
)
def test_states_of_generated_worlds(drawn, seed):
    with Tables(build(drawn)) as tables:
        assert look_around(tables, seed) >= 1


def test_states_of_every_scenario():
    for scenario in built_in("scenarios").values():
        with Tables(scenario()) as tables:
            assert look_around(tables, 1) > 10
