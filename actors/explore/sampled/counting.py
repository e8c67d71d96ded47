"""Counting executions: how many lie behind each state, so that one can be drawn as any other.

An execution is an order of steps with an outcome for each, so behind a state there are as many as behind all
that follow it, and behind an end there is one. That needs all states, and that no execution comes back to a
state that it has been in; where a world is too large or goes in circles, there is no count.
"""

from actors.explore.sampled.rows import key_of
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.tables import Tables

MOST_STATES = 20_000


class TooLarge(Exception):  # not an error: the caller does without
    """The world has more states than are worth keeping."""


class Counts:
    """The number of executions behind each state; `total` is that of all."""

    def __init__(self, total: int, behind: dict[int, list[list[int]]]) -> None:
        self.total = total
        self._behind = behind

    def behind(self, state: int) -> list[list[int]] | None:
        """Return for each enabled program, for each of its outcomes, how many executions lie behind it."""
        return self._behind.get(state)


def count(tables: Tables, most: int = MOST_STATES) -> Counts | str:
    """Count the executions of a world, or say why they can't be counted."""
    graph = Graph(tables, most + 1)
    found: dict[State, int] = {}
    open_: set[State] = set()
    stack = [(graph.first, False)]
    while stack:
        state, left = stack.pop()
        if left:
            found[state] = sum(found[one] for one in _after(graph, state)) if state.ending is None else 1
            open_.discard(state)
            continue
        if state in found:
            continue
        open_.add(state)
        stack.append((state, True))
        for one in _after(graph, state):
            if one in open_:
                return "executions go in circles"
            if one not in found:
                stack.append((one, False))
        if len(graph) > most:
            return f"there are more than {most:,} states"
    # A row is padded here since columns may have been added after it was made; a zero adds nothing to a key.
    behind = {
        key_of(state.row): [[found[one] for one in places if one is not None] for places in state.after]
        for state in found
        if state.ending is None
    }
    return Counts(found[graph.first], behind)


def _after(graph: Graph, state: State) -> list[State]:
    """Return the states behind all ways to go on, as often as they are behind one."""
    if state.ending is not None or not graph.options(state):
        return []
    assert state.options is not None
    return [
        graph.follow(state, place, index)
        for place, (_, _, moves) in enumerate(state.options)
        for index in range(len(moves))
    ]
