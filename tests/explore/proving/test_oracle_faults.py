"""The outside oracle is worth something: a search that is broken is told by the worlds that it is asked about."""

import random

import numpy as np
import pytest
from hypothesis import Phase, find, settings

from actors.explore.proving.decisions import Decisions
from actors.explore.proving.expansion import Expansion
from actors.explore.proving.search import Search
from actors.explore.proving.small import search_small
from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables
from tests.explore.proving import test_oracle as oracle

EXAMPLES = 150  # as many as the oracle is asked about
SUCCESSORS, STANDING, JUDGE, OPTIONS = Expansion.successors, Decisions.standing, Graph._judge, Graph.options


def small(drawn):
    with Tables(oracle.build(drawn)) as tables:
        return search_small(tables, most=20_000)


def large(drawn):
    with Tables(oracle.build(drawn)) as tables:
        return Search(tables).run()


def disagree(search, drawn):
    found = search(drawn)
    length = len(found.log) if found.log is not None else None
    return (found.states, found.transitions, length) != oracle.search(drawn)


def one_of_many_dropped(self, rows, before, only=None):
    found = SUCCESSORS(self, rows, before, only)
    if len(found.parents) < 2:
        return found
    return found._replace(
        parents=found.parents[:-1], moves=found.moves[:-1], fingerprints=found.fingerprints[:-1]
    )


def nobody_stuck(self, rows, before, only=None):
    found = SUCCESSORS(self, rows, before, only)
    return found._replace(stuck=found.stuck[:0])


def nothing_broken(self, rows, ended):
    found = STANDING(self, rows, ended)
    return found._replace(broken=np.zeros_like(found.broken))


def last_option_dropped(self, state):
    options = OPTIONS(self, state)
    return options[:-1] if len(options) > 1 else options


def never_without_options(self, state):
    options = OPTIONS(self, state)
    if not options:
        state.ending, state.violated, state.over = None, (), True
        return ((0, None, ()),)
    return options


def only_failures(self, row, *, failed):
    state = JUDGE(self, row, failed=failed)
    if not any(": " in name for name in state.violated):
        state.ending, state.violated = None if state.ending == "violated" else state.ending, ()
    return state


FAULTS = [
    (large, Expansion, "successors", one_of_many_dropped),
    (large, Expansion, "successors", nobody_stuck),
    (large, Decisions, "standing", nothing_broken),
    (small, Graph, "options", last_option_dropped),
    (small, Graph, "options", never_without_options),
    (small, Graph, "_judge", only_failures),
]


@pytest.mark.parametrize(
    ("search", "where", "name", "fault"), FAULTS, ids=[fault.__name__ for *_, fault in FAULTS]
)
def test_the_oracle_tells(search, where, name, fault, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(where, name, fault)
        drawn = find(
            oracle.worlds,
            lambda drawn: disagree(search, drawn),
            settings=settings(max_examples=EXAMPLES, phases=[Phase.generate], database=None, deadline=None),
            random=random.Random(0),
        )
    assert not disagree(search, drawn)
