"""Looking up what a program can do, in many states at once.

That is decided by the program's node and by the columns that this node's message looks at, which are few. All columns that any
of its messages looks at are many: so many that hardly two states would agree in them, and each state would be asked about
alone. So nodes whose messages look at the same columns share a lookup; and so do all that fit together into a small array.
Where a message waits at a gate (`runtime.device`) and that is shut, nothing else is looked at.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.explore.proving.lookup import DENSE_BITS, Lookup, Places, Rows, bits_for
from actors.explore.tables.histories import History, Node
from actors.explore.tables.layout import Row
from actors.explore.tables.passages import Passage
from actors.explore.tables.tables import Tables

NOTHING: Final = 1
"""The place of a program that is not there, or has ended."""

_SHUT, _OPEN = 1, 2
_NO_GATE, _UNMET, _ENDED = -1, -2, -3
_LEAST = _ENDED

Indices = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.int32]

Make = Callable[[Node, Row], int]
"""Returns the place of the entry for a node in a state, more than `NOTHING`, or that."""


class ByNode:
    """The entries of one program, whose nodes' numbers stand in `column`.

    With `gates`, a message that waits at one that is shut has no entry.
    """

    def __init__(
        self, tables: Tables, column: int, history: History, make: Make, *, gates: bool = True
    ) -> None:
        self._with_gates = gates
        self._tables = tables
        self._column = column
        self._history = history
        self._make = make
        self._lookups: list[Lookup] = []
        self._kinds = _PerNode(history, self._meet)
        self._gates = _PerNode(history, self._gate)
        self._passages: dict[Passage, int] = {}
        self._open: list[Lookup] = []
        self._moved = False
        self._sorted = False

    def find(self, rows: Rows) -> Places:
        """Return the place of each row's entry; entries that are missing are made."""
        if self._column >= rows.shape[1]:  # a program that was spawned since these rows were made
            return np.full(len(rows), NOTHING, np.int32)
        self._sorted = len(self._lookups) != 1 or bool(self._open)
        if not self._sorted:  # as for most programs: all rows are of one kind
            self._moved = False
            places = self._lookups[0].find(rows)
            if not self._moved:
                return places
            self._sorted = True
        at = self._awake(rows)
        if at is None:
            return self._found(rows)
        places = np.full(len(rows), NOTHING, np.int32)
        if len(at):
            places[at] = self._found(rows.take(at, axis=0))
        return places

    # Who waits at a gate.

    def _awake(self, rows: Rows) -> Indices | None:
        """Return the rows in which the program has not ended and waits at no gate that is shut; None for all."""
        gates = self._gates.of(rows[:, self._column], rows)
        groups = _groups(gates)
        if groups == [_NO_GATE]:
            return None
        awake = gates == _NO_GATE
        for gate in groups:
            if gate >= 0:
                at = np.flatnonzero(gates == gate)
                awake[at] = self._open[gate].find(rows.take(at, axis=0)) == _OPEN
        return np.flatnonzero(awake)

    def _gate(self, node: Node, row: Row) -> int:
        """Return the gate of a node that is met for the first time."""
        del row
        passage = self._tables.steps.passage(node) if self._with_gates else None
        if passage is None:
            return _NO_GATE
        known = self._passages.get(passage)
        if known is None:
            known = self._passages[passage] = len(self._open)

            def ask(rows: Rows, at: int) -> int:
                return self._ask(known, passage, rows, at)

            self._open.append(Lookup(ask, self._tables.layout.numbers))
            self._open[known].lay_out(passage.columns)
        return known

    def _ask(self, gate: int, passage: Passage, rows: Rows, at: int) -> int:
        row = self._tables.layout.padded(tuple(rows[at].tolist()))
        node = self._history.nodes[row[self._column]]
        assert node is not None
        found = _OPEN if self._tables.steps.is_open(passage, node, row) else _SHUT
        if passage.columns != self._open[gate].columns:
            self._open[gate].lay_out(passage.columns)
        return found

    # What the others can do.

    def _found(self, rows: Rows) -> Places:
        while True:
            self._moved = False
            kinds = self._kinds.of(rows[:, self._column], rows)
            places = self._of_kinds(kinds, rows)
            if not self._moved:
                return places

    def _of_kinds(self, kinds: Kinds, rows: Rows) -> Places:
        groups = _groups(kinds)
        if len(groups) == 1 and groups[0] >= 0:
            return self._lookups[groups[0]].find(rows)
        places = np.full(len(rows), NOTHING, np.int32)
        for kind in groups:
            if kind >= 0:
                at = np.flatnonzero(kinds == kind)
                places[at] = self._lookups[kind].find(rows.take(at, axis=0))
        return places

    def _meet(self, node: Node, row: Row) -> int:
        """Return the lookup of a node that is met for the first time."""
        self._tables.steps.reach(node, self._tables.layout.padded(row))
        return self._kind(self._tables.steps.columns(node))

    def _kind(self, columns: tuple[int, ...]) -> int:
        """Return the lookup for messages that look at these columns."""
        wanted = {self._column, *columns}
        for kind, lookup in enumerate(self._lookups):
            if set(lookup.columns) == wanted:
                return kind
        if self._lookups:
            together = wanted | set(self._lookups[0].columns)
            if len(together) == len(self._lookups[0].columns):
                return 0
            if sum(bits_for(self._tables.layout.numbers(one)) for one in together) <= DENSE_BITS:
                self._lookups[0].lay_out(sorted(together))
                return 0
        self._lookups.append(Lookup(self._entry, self._tables.layout.numbers))
        self._lookups[-1].lay_out(sorted(wanted))
        return len(self._lookups) - 1

    def _entry(self, rows: Rows, at: int) -> int:
        row = self._tables.layout.padded(tuple(rows[at].tolist()))
        number = row[self._column]
        node = self._history.nodes[number]
        if node is None or node.pending is None:
            return NOTHING
        if self._gates.number(number, row) != _NO_GATE:
            self._moved = self._moved or not self._sorted
        place = self._make(node, row)
        columns = self._tables.steps.columns(node)
        if self._kinds.number(number, row) > 0 and not self._sorted:
            self._moved = True
        if not set(columns) <= set(self._lookups[self._kinds.known[number]].columns):
            self._kinds.known[number] = self._kind(columns)
            self._moved = True
        return place


class _PerNode:
    """A number of each node of a program, worked out when the node is first met."""

    def __init__(self, history: History, meet: Callable[[Node, Row], int]) -> None:
        self._history = history
        self._meet = meet
        self.known: Kinds = np.full(1, _ENDED, np.int32)

    def number(self, place: int, row: Row) -> int:
        """Return the number of one node that has not ended, which stands in this row."""
        self._grow()
        if self.known[place] == _UNMET:
            node = self._history.nodes[place]
            assert node is not None
            self.known[place] = self._meet(node, row)
        return int(self.known[place])

    def _grow(self) -> None:
        many = len(self._history.nodes) - len(self.known)
        if many > 0:
            self.known = np.concatenate([self.known, np.full(many, _UNMET, np.int32)])

    def of(self, nodes: Rows, rows: Rows) -> Kinds:
        """Return the numbers of these nodes, which stand in these rows."""
        self._grow()
        found = self.known.take(nodes)
        unmet = np.flatnonzero(found == _UNMET)
        if not len(unmet):
            return found
        for number, at in zip(*np.unique(nodes.take(unmet), return_index=True), strict=True):
            node = self._history.nodes[number]
            ended = node is None or node.pending is None
            self.known[number] = _ENDED if ended else self._meet(node, tuple(rows[unmet[at]].tolist()))
        return self.known.take(nodes)


def _groups(numbers: Kinds) -> list[int]:
    """Return which numbers there are."""
    there = np.flatnonzero(np.bincount(numbers - _LEAST)) + _LEAST
    found: list[int] = there.tolist()
    return found
