"""What tests of minimising share: counterexamples on their graphs."""

from contextlib import contextmanager

import pytest

from actors.explore.minimising.minimal import Counterexample
from actors.explore.proving.small import search_small
from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables


def choices_of_log(tables, log):
    """Write a log as the choices of a token: places in the default order, the last program first."""
    graph, choices, last = Graph(tables), [], None
    state = graph.first
    for name, index in log:
        options = graph.options(state)
        order = sorted(range(len(options)), key=lambda which: options[which][0] != last)
        which = next(which for which in order if options[which][1].name == name)
        choices.append(order.index(which))
        if len(options[which][2]) > 1:
            choices.append(index)
        last, state = options[which][0], graph.follow(state, which, index)
    return tuple(choices)


@contextmanager
def opened(world, log=None):
    """Yield the counterexample of a log, or of the first one that a search of all orders finds; None if there is none."""
    with Tables(world) as tables:
        if log is None:
            log = search_small(tables, most=100_000).log
        yield None if log is None else Counterexample(tables, choices_of_log(tables, log))


@pytest.fixture
def counterexample():
    return opened
