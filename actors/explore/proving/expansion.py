"""The moves of one program, for a whole frontier at once.

The program's node and the columns that its messages touch decide what it can do. Each combination is worked
out once, by the step table, and gets a group of moves; the moves' changes are kept as arrays, so that applying
them to thousands of rows is a few operations on columns.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from actors.explore.proving.fingerprints import Fingerprinting, Words
from actors.explore.proving.lookup import Lookup, Rows
from actors.explore.tables.steps import Moves
from actors.explore.tables.tables import Tables

Indices = npt.NDArray[np.int64]
KEEP = -1


class Successors(NamedTuple):
    """Moves of one program from rows of a frontier: which row, which move, which outcome, and the fingerprint."""

    parents: Indices
    moves: Indices
    outcomes: Indices
    fingerprints: Words


class Expansion:
    """One program's groups of moves; `column` is its own."""

    def __init__(self, tables: Tables, column: int) -> None:
        self._tables = tables
        self.column = column
        self.lookup = Lookup(self._group)
        self.lookup.lay_out((column,))
        self._starts = [0]
        self._counts = [0]
        self._moves: list[tuple[tuple[int, int], ...]] = []
        self._written: list[int] = []
        self._groups: dict[int, int] = {}
        self._arrays: tuple[Indices, Indices, npt.NDArray[np.int64]] | None = None

    def _group(self, rows: Rows, at: int) -> int:
        """Return the group of what the program can do in that row; 0 is nothing."""
        tables = self._tables
        row = tuple(rows[at].tolist())
        node = tables.layout.histories[self.column].nodes[row[self.column]]
        if node is None or node.pending is None:
            return 0
        moves = tables.steps.moves(node, row)
        self._watch(tables.steps.columns(node))
        if not moves:
            return 0
        known = self._groups.get(id(moves))
        return known if known is not None else self._add(moves)

    def _watch(self, columns: tuple[int, ...]) -> None:
        """Look at these columns from now on, if that is not so already."""
        now = self.lookup.columns
        if not set(columns) <= set(now):
            self.lookup.lay_out(tuple(dict.fromkeys((*now, *columns))))

    def _add(self, moves: Moves) -> int:
        """Keep a group of moves; the tables keep the tuple itself, so its identity names it."""
        group = len(self._starts)
        self._groups[id(moves)] = group
        self._starts.append(len(self._moves))
        self._counts.append(len(moves))
        for move in moves:
            self._moves.append(move.changes)
            self._written += [column for column, _ in move.changes if column not in self._written]
        self._arrays = None
        return group

    def _as_arrays(self) -> tuple[Indices, Indices, npt.NDArray[np.int64]]:
        if self._arrays is None:
            changes = np.full((len(self._written), len(self._moves)), KEEP, np.int64)
            places = {column: place for place, column in enumerate(self._written)}
            for number, move in enumerate(self._moves):
                for column, value in move:
                    changes[places[column], number] = value
            self._arrays = (np.array(self._starts, np.int64), np.array(self._counts, np.int64), changes)
        return self._arrays

    def successors(self, rows: Rows, before: Words, words: Fingerprinting) -> Successors:
        """Return all moves of the program from these rows, in the order of rows and outcomes."""
        groups = self.lookup.find(rows)
        starts, counts, changes = self._as_arrays()
        many = counts[groups]
        parents = np.repeat(np.arange(len(rows)), many)
        ends = np.cumsum(many)
        outcomes = np.arange(len(parents)) - np.repeat(ends - many, many)
        moves = starts[groups[parents]] + outcomes
        fingerprints = before[parents]
        width = rows.shape[1]
        for place, column in enumerate(self._written):
            new = changes[place, moves]
            at = np.flatnonzero(new != KEEP)
            if len(at):
                table = words.words(column, int(changes[place].max()))
                fingerprints[at] ^= table[new[at]]
                if column < width:
                    old = rows[parents[at], column]
                    fingerprints[at] ^= words.words(column, int(old.max()))[old]
        return Successors(parents, moves, outcomes, fingerprints)

    def apply(self, rows: Rows, moves: Indices) -> None:
        """Let each row take its move, in place."""
        changes = self._as_arrays()[2]
        for place, column in enumerate(self._written):
            new = changes[place, moves]
            at = np.flatnonzero(new != KEEP)
            rows[at, column] = new[at]
