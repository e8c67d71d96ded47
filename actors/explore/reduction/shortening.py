"""Making a violation that a reduced search has found as short as one that was found without reduction.

What a reduced search finds is real, but seldom the shortest. A search of all orders that goes no further than it
needs finds the shortest, and the same as it would have found alone. Where that would take too much, steps are left out of what
was found as long as the same is violated; that is called `minimised`, and says nothing of what else there is.
"""

from actors.explore.covered import Covered, Log
from actors.explore.proving.search import Bounds, Search
from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables

STATES = 1_000_000
"""States that the search for a shorter one may take, unless there are bounds already."""


def shortened(tables: Tables, found: Covered, bounds: Bounds, seed: int, *, keep_going: bool) -> Covered:
    """Return what was found with the shortest way to a violation, as far as the bounds allow, else with one that is minimised.

    Unless the search was to keep going, what is violated is then what the shortest way violates.
    """
    assert found.log is not None
    search = Search(tables, seed=seed, bounds=bounds._replace(states=bounds.states or STATES))
    again = search.run()
    if again.log is None:
        return found._replace(log=minimised(Graph(tables), found.log), shortest=False)
    return found._replace(log=again.log, violated=found.violated if keep_going else again.violated)


def minimised(graph: Graph, log: Log) -> Log:
    """Leave out one step after another, the last first, as long as the same is violated at the end."""
    wanted = _violated(graph, log)
    changed = True
    while changed:
        changed = False
        for place in reversed(range(len(log))):
            shorter = [*log[:place], *log[place + 1 :]]
            if _violated(graph, shorter) == wanted:
                log, changed = shorter, True
    return log


def _violated(graph: Graph, log: Log) -> tuple[str, ...]:
    """Return what is violated at the end of a way, and nowhere before it; nothing if there is no such way."""
    state = graph.first
    for program, outcome in log:
        if state.ending is not None:
            return ()
        options = graph.options(state)
        place = next((place for place, option in enumerate(options) if option[1].name == program), None)
        if place is None or outcome >= len(options[place][2]):
            return ()
        state = graph.follow(state, place, outcome)
    if state.ending is None:
        graph.options(state)  # a deadlock shows when somebody looks for who is enabled
    return state.violated
