"""What can happen in many states at once.

A program's node and the columns that its messages touch decide what it can do. Each combination is worked out
once, by the step table, and becomes a group of moves. Of a move the changes are known, and since the group was
found by the old values, so is what it does to the fingerprint: one word to XOR.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from actors.explore.proving.fingerprints import Fingerprinting, Words
from actors.explore.proving.lookup import Lookup, Rows
from actors.explore.tables.layout import Row
from actors.explore.tables.steps import Moves
from actors.explore.tables.tables import Tables

Indices = npt.NDArray[np.int64]
_SMALL = 1 << 16
Codes = npt.NDArray[np.uint16]


class Successors(NamedTuple):
    """All moves from the states of a chunk, ordered by state, program and outcome."""

    parents: Indices
    moves: Indices
    fingerprints: Words
    stuck: Indices


class _Arrays(NamedTuple):
    """The moves as arrays: of each group its first move and how many; of each move the rest."""

    starts: Indices
    counts: Indices
    words: Words
    codes: Codes
    changes: npt.NDArray[np.int64]


class Expansion:
    """The moves of all programs of one world, in groups; group 0 is nothing."""

    def __init__(self, tables: Tables, words: Fingerprinting) -> None:
        self._tables = tables
        self._fingerprinting = words
        self._lookups: dict[int, Lookup] = {}
        self._groups: dict[int, int] = {}
        self._starts, self._counts = [0], [0]
        self._words: list[int] = []
        self._changes: list[tuple[tuple[int, int], ...]] = []
        self._codes: list[int] = []
        self._coded: dict[tuple[int, int], int] = {}
        self._kept: _Arrays | None = None

    def named(self) -> dict[int, tuple[str, int]]:
        """Return program and outcome by the code of a move."""
        layout = self._tables.layout
        return {
            code: (layout.histories[column].handle.name, outcome)
            for (column, outcome), code in self._coded.items()
        }

    def successors(self, rows: Rows, before: Words) -> Successors:
        """Return all moves from these states."""
        found = [self._lookup(column).find(rows) for column, _ in self._tables.layout.schedule]
        arrays = self._arrays()
        groups = np.stack(found, axis=1).ravel()
        many = arrays.counts[groups]
        programs = len(found)
        at = np.repeat(np.arange(len(groups)), many)
        outcomes = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many)
        moves = arrays.starts[groups[at]] + outcomes
        parents = at // programs
        stuck = np.flatnonzero(many.reshape(len(rows), programs).sum(axis=1) == 0)
        return Successors(parents, moves, before[parents] ^ arrays.words[moves], stuck)

    def after(self, rows: Rows, moves: Indices) -> tuple[Rows, Codes]:
        """Return the rows behind these moves, in new memory, and the moves' codes."""
        arrays = self._arrays()
        width = self._tables.layout.width
        made: Rows = np.zeros((len(rows), width), self.kind())
        made[:, : rows.shape[1]] = rows
        changes = arrays.changes[moves]
        np.copyto(made[:, : changes.shape[1]], changes, where=changes >= 0, casting="unsafe")
        return made, arrays.codes[moves]

    def kind(self) -> type[np.unsignedinteger[Any]]:
        """Return the type of the numbers of rows: the smaller, while it holds all that there are."""
        layout = self._tables.layout
        most = max(layout.numbers(column) for column in range(layout.width))
        return np.uint16 if most <= _SMALL else np.uint32

    # Working out what is not known.

    def _lookup(self, column: int) -> Lookup:
        lookup = self._lookups.get(column)
        if lookup is None:

            def make(rows: Rows, at: int) -> int:
                return self._group(column, tuple(rows[at].tolist()))

            lookup = self._lookups[column] = Lookup(make, self._tables.layout.numbers)
            lookup.lay_out((column,))
        return lookup

    def _group(self, column: int, row: Row) -> int:
        """Return the group of what a program can do in that state."""
        tables = self._tables
        row = tables.layout.padded(row)
        node = tables.layout.histories[column].nodes[row[column]]
        if node is None or node.pending is None:
            return 0
        moves = tables.steps.moves(node, row)
        lookup = self._lookups[column]
        more = set(tables.steps.columns(node)) - set(lookup.columns)
        if more:
            lookup.lay_out((*lookup.columns, *sorted(more)))
        if not moves:
            return 0
        known = self._groups.get(id(moves))
        return known if known is not None else self._add(column, moves, tables.layout.padded(row))

    def _add(self, column: int, moves: Moves, row: Row) -> int:
        """Keep a group of moves; the tables keep the tuple itself, so its identity names it."""
        group = self._groups[id(moves)] = len(self._starts)
        self._starts.append(len(self._changes))
        self._counts.append(len(moves))
        for outcome, move in enumerate(moves):
            self._changes.append(move.changes)
            self._words.append(self._fingerprinting.change(row, move.changes))
            self._codes.append(self._coded.setdefault((column, outcome), len(self._coded) + 1))
        return group

    def _arrays(self) -> _Arrays:
        """Return the moves as arrays; those made since the last time are added."""
        kept = self._kept
        moves, width = len(self._changes), self._tables.layout.width
        if kept is not None and len(kept.starts) == len(self._starts) and kept.changes.shape[1] == width:
            return kept
        before = 0 if kept is None or kept.changes.shape[1] != width else len(kept.words)
        changes = np.full((moves - before, width), -1, np.int64)
        for number in range(before, moves):
            for column, value in self._changes[number]:
                changes[number - before, column] = value
        if kept is not None and before:
            changes = np.concatenate([kept.changes, changes])
        self._kept = _Arrays(
            np.array(self._starts, np.int64),
            np.array(self._counts, np.int64),
            np.array(self._words, np.uint64),
            np.array(self._codes, np.uint16),
            changes,
        )
        return self._kept
