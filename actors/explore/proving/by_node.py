"""Looking up what a program can do, in many states at once.

That is decided by the program's node and by the columns that this node's message looks at, which are few. All columns that any
of its messages looks at are many: so many that hardly two states would agree in them, and each state would be asked about
alone. So nodes whose messages look at the same columns share a lookup; and so do all that fit together into a small array.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.explore.proving.lookup import DENSE_BITS, Lookup, Places, Rows, bits_for
from actors.explore.tables.histories import History, Node
from actors.explore.tables.layout import Row
from actors.explore.tables.tables import Tables

NOTHING: Final = 1
"""The place of a program that is not there, or has ended."""

_UNMET = -1
_ENDED = -2

Make = Callable[[Node, Row], int]
"""Returns the place of the entry for a node in a state, more than `NOTHING`, or that."""


class ByNode:
    """The entries of one program, whose nodes' numbers stand in `column`."""

    def __init__(self, tables: Tables, column: int, history: History, make: Make) -> None:
        self._tables = tables
        self._column = column
        self._history = history
        self._make = make
        self._lookups: list[Lookup] = []
        self._kinds: npt.NDArray[np.int32] = np.full(1, _ENDED, np.int32)
        self._moved = False

    def find(self, rows: Rows) -> Places:
        """Return the place of each row's entry; entries that are missing are made."""
        if self._column >= rows.shape[1]:  # a program that was spawned since these rows were made
            return np.full(len(rows), NOTHING, np.int32)
        nodes = rows[:, self._column]
        while True:
            self._moved = False
            kinds = self._kinds_of(nodes, rows)
            places = self._found(kinds, rows)
            if not self._moved:
                return places

    def _found(self, kinds: npt.NDArray[np.int32], rows: Rows) -> Places:
        present = np.flatnonzero(np.bincount(kinds - _ENDED)) + _ENDED
        if len(present) == 1 and present[0] >= 0:
            return self._lookups[present[0]].find(rows)
        places = np.full(len(rows), NOTHING, np.int32)
        for kind in present.tolist():
            if kind >= 0:
                at = np.flatnonzero(kinds == kind)
                places[at] = self._lookups[kind].find(rows.take(at, axis=0))
        return places

    def _kinds_of(self, nodes: Rows, rows: Rows) -> npt.NDArray[np.int32]:
        """Return which lookup each of these nodes belongs to; a node that is met for the first time is asked for its columns."""
        many = len(self._history.nodes) - len(self._kinds)
        if many > 0:
            self._kinds = np.concatenate([self._kinds, np.full(many, _UNMET, np.int32)])
        kinds = self._kinds.take(nodes)
        unmet = np.flatnonzero(kinds == _UNMET)
        if not len(unmet):
            return kinds
        for number, at in zip(*np.unique(nodes.take(unmet), return_index=True), strict=True):
            self._meet(int(number), tuple(rows[unmet[at]].tolist()))
        return self._kinds.take(nodes)

    def _meet(self, number: int, row: Row) -> None:
        node = self._history.nodes[number]
        if node is None or node.pending is None:
            self._kinds[number] = _ENDED
            return
        self._tables.steps.reach(node, self._tables.layout.padded(row))
        self._kinds[number] = self._kind(self._tables.steps.columns(node))

    def _kind(self, columns: tuple[int, ...]) -> int:
        """Return the lookup for messages that look at these columns."""
        wanted = {self._column, *columns}
        for kind, lookup in enumerate(self._lookups):
            if set(lookup.columns) == wanted:
                return kind
        if self._lookups:
            together = wanted | set(self._lookups[0].columns)
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
        assert node is not None
        place = self._make(node, row)
        columns = self._tables.steps.columns(node)
        if not set(columns) <= set(self._lookups[self._kinds[number]].columns):
            self._kinds[number] = self._kind(columns)
            self._moved = True
        return place
