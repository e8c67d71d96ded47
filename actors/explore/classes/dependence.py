"""Which transitions there are in a state, and which of them may change places."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from actors.explore.tables.graph import Graph, State
from actors.explore.tables.histories import Node
from actors.explore.tables.layout import Row
from actors.explore.tables.steps import Move
from actors.explore.tables.tables import Option

Order = Callable[[Sequence[Option]], Sequence[Option]]
"""In which order the programs of a state are tried."""

Key = tuple[int, int]
"""What a transition is called in every state: its program's column, and the number of its outcome."""


class Touches(NamedTuple):
    """The columns that a transition depends on, and those that it may write, as bits."""

    reads: int
    writes: int

    def apart_from(self, other: "Touches") -> bool:
        """Say whether neither writes what the other reads or writes."""
        return not (self.writes & (other.reads | other.writes) or other.writes & self.reads)


class Transitions:
    """The transitions of one state; sets of them are bits, by their place here.

    `after` are the states behind them, `independent` holds for each the others that it may change places with.
    """

    __slots__ = ("_carried", "after", "independent", "keys", "named", "places")

    def __init__(self, graph: Graph, state: State, order: Order, ends: Callable[[State], bool]) -> None:
        self._carried: dict[tuple[int, int], int] = {}
        self.keys: list[Key] = []
        self.named: list[tuple[str, int]] = []
        self.after: list[State] = []
        touches: list[Touches] = []
        options = graph.options(state)
        row = graph.tables.layout.padded(state.row)
        for option in order(options):
            column, node, moves = option
            for index, move in enumerate(moves):
                self.keys.append((column, index))
                self.named.append((node.name, index))
                self.after.append(graph.follow(state, options.index(option), index))
                touches.append(_touches(graph, column, node, row, move))
        self.places = {key: place for place, key in enumerate(self.keys)}
        self.independent = [0] * len(self.keys)
        awake = [one for one, after in enumerate(self.after) if not ends(after)]
        for one, other in itertools.combinations(awake, 2):
            if self.keys[one][0] == self.keys[other][0] or not touches[one].apart_from(touches[other]):
                continue
            if not ends(self._behind_both(graph, one, other)):
                self.independent[one] |= 1 << other
                self.independent[other] |= 1 << one

    def _behind_both(self, graph: Graph, one: int, other: int) -> State:
        """Return the state behind two transitions; independent as they are, the second is still there."""
        between, (column, index) = self.after[one], self.keys[other]
        places = [place for place, (own, _, _) in enumerate(graph.options(between)) if own == column]
        return graph.follow(between, places[0], index)

    def __len__(self) -> int:
        return len(self.keys)

    def asleep_behind(self, place: int, asleep: int, behind: "Transitions") -> int:
        """Return those of the transitions asleep here that are still so behind the one at `place`."""
        still = asleep & self.independent[place]
        found = self._carried.get((place, still))
        if found is None:
            keys = [key for one, key in enumerate(self.keys) if still >> one & 1]
            found = self._carried[place, still] = sum(1 << behind.places[key] for key in keys)
        return found


def _touches(graph: Graph, column: int, node: Node, row: Row, move: Move) -> Touches:
    """Return what a transition touches; its own program's column is nobody else's, and left out."""
    reach = graph.tables.steps.reach(node, row)
    cells = graph.tables.layout.cells
    read = {*reach.columns, *(cells[cell] for cell in reach.touched.asked)}
    written = {*reach.writes, *(changed for changed, _ in move.changes)} - {column}
    return Touches(_bits(read), _bits(written))


def _bits(columns: set[int]) -> int:
    return sum(1 << column for column in columns)
