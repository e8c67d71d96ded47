"""What can happen in many states at once.

A program's node and the columns that its messages touch decide what it can do. Each combination is worked out
once, by the step table, and becomes a group of moves. Since a group is found by the old values, what a move does is a
XOR: of one word with the fingerprint, of a few numbers with the row.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from actors.explore.proving.by_node import NOTHING, ByNode
from actors.explore.proving.fingerprints import Fingerprinting, Words
from actors.explore.proving.lookup import Rows
from actors.explore.tables.histories import History, Node
from actors.explore.tables.layout import Row
from actors.explore.tables.steps import Moves
from actors.explore.tables.tables import Tables

Indices = npt.NDArray[np.int64]
_KINDS: tuple[type[np.unsignedinteger[Any]], ...] = (np.uint8, np.uint16, np.uint32)
Codes = npt.NDArray[np.unsignedinteger[Any]]
Mask = npt.NDArray[np.bool_]


class Successors(NamedTuple):
    """All moves from the states of a chunk, ordered by state, program and outcome."""

    parents: Indices
    moves: Indices
    fingerprints: Words
    stuck: Indices


class _Arrays(NamedTuple):
    """The moves as arrays: of each group its first move and how many; of each move the rest.

    `flips` is what a move changes of a row, and `ends` says that it ends a program.
    """

    starts: Indices
    counts: Indices
    words: Words
    codes: Codes
    ends: npt.NDArray[np.bool_]
    flips: Rows


class Expansion:
    """The moves of all programs of one world, in groups; group 0 is not known yet, group 1 is nothing."""

    def __init__(self, tables: Tables, words: Fingerprinting) -> None:
        self._tables = tables
        self._fingerprinting = words
        self._lookups: dict[int, ByNode] = {}
        self._groups: dict[int, int] = {}
        self._starts, self._counts = [0, 0], [0, 0]
        self._words: list[int] = []
        self._flips: list[tuple[tuple[int, int], ...]] = []
        self._codes: list[int] = []
        self._ends: list[bool] = []
        self._coded: dict[tuple[int, int], int] = {}
        self._kept: _Arrays | None = None

    def named(self) -> dict[int, tuple[str, int]]:
        """Return program and outcome by the code of a move."""
        layout = self._tables.layout
        return {
            code: (layout.histories[column].handle.name, outcome)
            for (column, outcome), code in self._coded.items()
        }

    def successors(self, rows: Rows, before: Words, only: Mask | None = None) -> Successors:
        """Return all moves from these states; or those of the programs whose columns are marked, for each state, in `only`."""
        schedule = self._tables.layout.schedule
        found = np.empty((len(rows), len(schedule)), np.int32)
        for place, (column, history) in enumerate(schedule):
            found[:, place] = self._lookup(column, history).find(rows)
        arrays = self._arrays()
        moving = found != NOTHING
        if only is not None:
            moving &= only[:, [column for column, _ in schedule]]
        at = np.flatnonzero(moving)
        groups = found.ravel().take(at)
        parents = at // len(schedule)
        moves = arrays.starts.take(groups)
        if len(arrays.words) > len(arrays.counts) - 2:  # there are groups of several
            many = arrays.counts.take(groups)
            parents = np.repeat(parents, many)
            moves = np.repeat(moves + many - np.cumsum(many), many) + np.arange(len(parents))
        stuck = np.ones(len(rows), np.bool_)
        stuck[parents] = False
        prints = before.take(parents) ^ arrays.words.take(moves)
        return Successors(parents, moves, prints, np.flatnonzero(stuck))

    def after(self, rows: Rows, parents: Indices, moves: Indices) -> tuple[Rows, Codes, Indices]:
        """Return the rows behind these moves, in new memory; the moves' codes; and which of them end a program."""
        arrays = self._arrays()
        made = np.zeros((len(parents), self._tables.layout.width), arrays.flips.dtype)
        made[:, : rows.shape[1]] = rows.take(parents, axis=0)
        made ^= arrays.flips.take(moves, axis=0)
        return made, arrays.codes.take(moves), np.flatnonzero(arrays.ends.take(moves))

    def kind(self) -> type[np.unsignedinteger[Any]]:
        """Return the type of the numbers of rows: the smallest that holds all that there are."""
        layout = self._tables.layout
        return _holding(max(layout.numbers(column) for column in range(layout.width)))

    # Working out what is not known.

    def _lookup(self, column: int, history: History) -> ByNode:
        lookup = self._lookups.get(column)
        if lookup is None:

            def make(node: Node, row: Row) -> int:
                return self._group(column, node, row)

            lookup = self._lookups[column] = ByNode(self._tables, column, history, make)
        return lookup

    def _group(self, column: int, node: Node, row: Row) -> int:
        """Return the group of what a program can do in that state."""
        moves = self._tables.steps.moves(node, row)
        if not moves:
            return NOTHING
        known = self._groups.get(id(moves))
        return known if known is not None else self._add(column, moves, self._tables.layout.padded(row))

    def _add(self, column: int, moves: Moves, row: Row) -> int:
        """Keep a group of moves; the tables keep the tuple itself, so its identity names it."""
        group = self._groups[id(moves)] = len(self._starts)
        self._starts.append(len(self._flips))
        self._counts.append(len(moves))
        for outcome, move in enumerate(moves):
            self._flips.append(tuple((at, number ^ row[at]) for at, number in move.changes))
            self._words.append(self._fingerprinting.change(row, move.changes))
            self._codes.append(self._coded.setdefault((column, outcome), len(self._coded) + 1))
            self._ends.append(move.ends)
        return group

    def _arrays(self) -> _Arrays:
        """Return the moves as arrays; those made since the last time are added."""
        kept, width = self._kept, self._tables.layout.width
        if kept is not None and kept.flips.shape[1] == width and len(kept.starts) == len(self._starts):
            return kept
        kind = self.kind()
        fits = kept is not None and kept.flips.shape[1] == width and kept.flips.dtype == kind
        flips = np.zeros((len(self._flips), width), kind)
        known = len(kept.flips) if kept is not None and fits else 0
        if kept is not None and known:
            flips[:known] = kept.flips
        for number in range(known, len(flips)):
            for column, value in self._flips[number]:
                flips[number, column] = value
        self._kept = _Arrays(
            _longer(kept and kept.starts, self._starts, np.int64),
            _longer(kept and kept.counts, self._counts, np.int64),
            _longer(kept and kept.words, self._words, np.uint64),
            _longer(kept and kept.codes, self._codes, _holding(len(self._coded))),
            _longer(kept and kept.ends, self._ends, np.bool_),
            flips,
        )
        return self._kept


def _longer(kept: npt.NDArray[Any] | None, values: list[Any], kind: type[np.generic]) -> npt.NDArray[Any]:
    """Return values as an array of this kind; those that are in the one kept are taken from there."""
    if kept is None:
        return np.array(values, kind)
    return np.concatenate([kept.astype(kind, copy=False), np.array(values[len(kept) :], kind)])


def _holding(most: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest type of numbers that holds one so large."""
    return next(kind for kind in _KINDS if most <= np.iinfo(kind).max)
