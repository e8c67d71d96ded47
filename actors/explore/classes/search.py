"""Depth-first search with sleep sets: one complete execution of each class."""

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from actors.explore.classes.dependence import Order, Transitions
from actors.explore.covered import Covered, Log
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.tables import Tables

MOST_STATES = 1_000_000
"""States that are kept, unless another bound is given; each takes about a kilobyte."""

_LOOK = 4_096
"""Transitions between two looks at the clock."""

Limit = Literal["states", "time", "stopped", "endless"]


class Progress(NamedTuple):
    """How far the search is: states met, transitions taken, classes so far, depth now, seconds."""

    states: int
    transitions: int
    classes: int
    depth: int
    seconds: float


class _Frame:
    """A state on the path under way: which of its transitions are asleep, and which one is being followed."""

    __slots__ = ("asleep", "at", "begun", "state", "transitions")

    def __init__(self, state: State, transitions: Transitions, asleep: int) -> None:
        self.state = state
        self.transitions = transitions
        self.asleep = asleep
        self.at = -1
        self.begun = False

    def advance(self) -> bool:
        """Go on to the next transition that is awake; say whether there is one."""
        if self.at >= 0:
            self.asleep |= 1 << self.at
        for place in range(self.at + 1, len(self.transitions)):
            if not self.asleep >> place & 1:
                self.at = place
                self.begun = True
                return True
        return False


class ClassSearch:
    """One search.

    `keep_going` goes on behind violated conditions; `order` says in which order the programs of a state are tried,
    which changes no count.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        keep_going: bool = False,
        most: int = MOST_STATES,
        seconds: float | None = None,
        progress: Callable[[Progress], bool] | None = None,
        order: Order = tuple,
    ) -> None:
        self._tables = tables
        self._graph = Graph(tables, most)
        self._keep_going = keep_going
        self._most = most
        self._seconds = seconds
        self._progress = progress
        self._order = order
        self._begun = time.perf_counter()
        self._known: dict[State, Transitions] = {}
        self._path: list[_Frame] = []
        self._on_path: set[State] = set()
        self._met: set[str] = set()
        self._violated: set[str] = set()
        self._log: Log | None = None
        self._limit: Limit | None = None
        self._transitions = self._depth = self._complete = self._blocked = self._looked = 0
        self._cutting = False

    def run(self) -> Covered:
        """Search until every class has been run, or a bound is hit."""
        self._cutting = self._leaves_undone()
        self._arrive(self._graph.first, None)
        while self._path and self._limit is None:
            frame = self._path[-1]
            if frame.advance():
                self._transitions += 1
                self._arrive(frame.transitions.after[frame.at], frame)
                self._look(self._transitions)
            else:
                self._blocked += not frame.begun
                self._on_path.discard(frame.state)
                self._path.pop()
        return Covered(
            len(self._graph),
            self._transitions,
            self._depth,
            frozenset(self._met),
            frozenset(self._violated),
            self._log,
            self._limit,
            classes=self._complete,
            blocked=self._blocked,
            shortest=self._limit is None,
        )

    def _arrive(self, state: State, came: _Frame | None) -> None:
        self._met |= state.met
        self._depth = max(self._depth, len(self._path))
        transitions = self._of(state) if not self._ends(state) else None
        if state.violated:  # or deadlocked, as is known now that somebody has asked for the transitions
            self._violated.update(state.violated)
            if self._log is None or len(self._path) < len(self._log):
                self._log = [frame.transitions.named[frame.at] for frame in self._path]
        if transitions:
            self._go_on(state, transitions, came)
        else:
            self._complete += 1

    def _ends(self, state: State) -> bool:
        deadlocked = state.options == ()  # which nobody's step is to blame for
        return state.over or (bool(state.violated) and not deadlocked and not self._keep_going)

    def _cuts(self, state: State) -> bool:
        """Say whether the world has ended with something undone, so that it matters whose step ended it."""
        if not self._ends(state):
            return False
        return bool(state.violated) or (self._cutting and self._tables.has_background(state.row))

    def _leaves_undone(self) -> bool:
        """Say whether the world ever finishes while a background program could still take a step.

        It is asked of all states at once: were it asked of each, the same two steps could be dependent in one state and
        not in the next, and a class be run twice.
        """
        waiting = [self._graph.first]
        met = {self._graph.first}
        while waiting and len(met) < self._most:
            state = waiting.pop()
            if self._ends(state):
                if not state.violated and self._tables.options(self._tables.layout.padded(state.row)):
                    return True
                continue
            for place, (_, _, moves) in enumerate(self._graph.options(state)):
                for index in range(len(moves)):
                    after = self._graph.follow(state, place, index)
                    if after not in met:
                        met.add(after)
                        waiting.append(after)
            self._looked += 1
            self._look(self._looked)
            if self._limit is not None:
                break
        return False

    def _go_on(self, state: State, transitions: Transitions, came: _Frame | None) -> None:
        if state in self._on_path:
            self._limit = "endless"
            return
        asleep = came.transitions.asleep_behind(came.at, came.asleep, transitions) if came is not None else 0
        self._on_path.add(state)
        self._path.append(_Frame(state, transitions, asleep))

    def _of(self, state: State) -> Transitions:
        known = self._known.get(state)
        if known is None:
            known = self._known[state] = Transitions(self._graph, state, self._order, self._cuts)
            if len(self._graph) >= self._most:
                self._limit = "states"
        return known

    def _look(self, count: int) -> None:
        if count % _LOOK:
            return
        seconds = time.perf_counter() - self._begun
        if self._seconds is not None and seconds >= self._seconds:
            self._limit = "time"
        elif self._progress is not None and not self._progress(
            Progress(len(self._graph), self._transitions, self._complete, len(self._path), seconds)
        ):
            self._limit = "stopped"
