"""The same search for small worlds, one state after another: it needs no NumPy, which takes longer to import.

It expands states in the same order as `search`, and so finds the same first violation after as many states.
"""

from actors.explore.covered import Covered, Log
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.tables import Tables

MOST_STATES = 4_000
WIDEST = 128
"""States on one level: more are worth having NumPy for, and seldom end in a small world."""


class _Small:
    def __init__(self, tables: Tables, most: int, widest: int, *, keep_going: bool) -> None:
        self._graph = Graph(tables, most)
        self._most = most
        self._widest = widest
        self._keep_going = keep_going
        self._tables = tables
        self._parents: dict[int, tuple[State, str, int] | None] = {}
        self._transitions = 0
        self._met: set[str] = set()
        self._violated: set[str] = set()
        self._first: State | None = None

    def run(self) -> Covered | None:
        """Search; None if there are too many states."""
        level = [self._graph.first]
        self._arrive(self._graph.first, None)
        depth = 0
        while level:
            on = [state for state in level if self._goes_on(state)]
            if (self._first is not None and not self._keep_going) or not on:
                break
            depth += 1
            level = self._expand(on, self._first)
            if len(self._parents) > self._most or len(level) > self._widest:
                return None
        log = self._log(self._first) if self._first is not None else None
        met, violated = frozenset(self._met), frozenset(self._violated)
        return Covered(len(self._parents), self._transitions, depth, met, violated, log)

    def _goes_on(self, state: State) -> bool:
        return not state.over and (state.ending is None or self._keep_going)

    def _arrive(self, state: State, came: tuple[State, str, int] | None) -> None:
        self._parents[id(state)] = came
        self._met |= state.met
        if state.violated:
            self._violated.update(state.violated)
            self._first = self._first or state

    def _expand(self, level: list[State], first: State | None) -> list[State]:
        """Return the states behind a level; `first` is what was found before it."""
        found: list[State] = []
        for state in level:
            options = self._graph.options(state)
            if not options:
                self._violated.add("deadlock")
                if first is None:
                    self._first = first = state  # shorter than what is found behind this level
            for place, (_, node, moves) in enumerate(options):
                for index in range(len(moves)):
                    self._transitions += 1
                    after = self._graph.follow(state, place, index)
                    if id(after) not in self._parents:
                        self._arrive(after, (state, node.name, index))
                        found.append(after)
        return found

    def _log(self, state: State) -> Log:
        log: Log = []
        came = self._parents[id(state)]
        while came is not None:
            before, name, index = came
            log.append((name, index))
            came = self._parents[id(before)]
        return log[::-1]


def search_small(
    tables: Tables, *, keep_going: bool = False, most: int = MOST_STATES, widest: int | None = None
) -> Covered | None:
    """Search all orders of a world of at most so many states, and on one level at most `widest`; None if it has more."""
    return _Small(tables, most, most if widest is None else widest, keep_going=keep_going).run()
