"""Which programs to expand, of many states at once.

What counts of a program is decided by its node and the columns that its message looks at. Few such profiles differ,
and few combinations of them; each is worked out once, and found again by look-up.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from actors.explore.proving.by_node import ByNode
from actors.explore.proving.lookup import Lookup, Rows
from actors.explore.reduction.futures import Futures
from actors.explore.reduction.persistent import ABSENT, Profile, persistent
from actors.explore.reduction.touch import Touch, bits
from actors.explore.reduction.visibility import Visibility
from actors.explore.tables.histories import History, Node
from actors.explore.tables.layout import Row
from actors.explore.tables.steps import Moves
from actors.explore.tables.tables import Tables

Mask = npt.NDArray[np.bool_]


class Chosen(NamedTuple):
    """Of each state the columns of the programs to expand, and whether these are not all that could go on."""

    programs: Mask
    reduced: Mask


class Choosing:
    """The choice of programs in one round."""

    def __init__(self, tables: Tables, futures: Futures) -> None:
        self._tables = tables
        self._profiles = Profiles(tables, futures)
        self._schedule: tuple[tuple[int, History], ...] = ()
        self._lookup = Lookup(self._decide, lambda place: len(self._profiles.of[self._schedule[place][0]]))
        self._decisions: list[list[int] | None] = []
        self._kept: Chosen | None = None

    def choose(self, rows: Rows) -> Chosen:
        """Choose for each of these states."""
        layout = self._tables.layout
        while True:
            schedule = layout.schedule
            found = [self._profiles.find(column, history, rows) for column, history in schedule]
            if schedule is layout.schedule:  # no spawn has been met meanwhile
                break
        if schedule is not self._schedule:
            self._schedule, self._decisions, self._kept = schedule, [None], None
            self._lookup.lay_out(range(len(schedule)))
        decided = self._lookup.find(np.stack(found, axis=1))
        known = self._as_columns()
        return Chosen(known.programs.take(decided, axis=0), known.reduced.take(decided))

    def _decide(self, numbers: Rows, at: int) -> int:
        self._decisions.append(
            persistent(
                [
                    self._profiles.of[column][number]
                    for (column, _), number in zip(self._schedule, numbers[at].tolist(), strict=True)
                ]
            )
        )
        return len(self._decisions) - 1

    def _as_columns(self) -> Chosen:
        """Return all decisions as columns to expand; those made since the last time are added."""
        width, kept = self._tables.layout.width, self._kept
        if kept is None:
            kept = Chosen(np.empty((0, width), np.bool_), np.empty(0, np.bool_))
        new = self._decisions[len(kept.reduced) :]
        if new:
            reduced = np.array([decision is not None for decision in new])
            programs = np.repeat(~reduced[:, None], width, axis=1)
            for row, decision in zip(programs, new, strict=True):
                row[[self._schedule[place][0] for place in decision or ()]] = True
            kept = Chosen(np.concatenate([kept.programs, programs]), np.concatenate([kept.reduced, reduced]))
        self._kept = kept
        return kept


class Profiles:
    """The profiles of each program in one round, by its column: number 0 is of none."""

    def __init__(self, tables: Tables, futures: Futures) -> None:
        self._tables = tables
        self._futures = futures
        self._visibility = Visibility(tables)
        self._lookups: dict[int, ByNode] = {}
        self.of: dict[int, list[Profile]] = {}

    def find(self, column: int, history: History, rows: Rows) -> npt.NDArray[np.int32]:
        """Return the numbers of a program's profiles in these states."""
        lookup = self._lookups.get(column)
        if lookup is None:
            known = self.of[column] = [ABSENT, ABSENT]
            numbers: dict[Profile, int] = {}

            def make(node: Node, row: Row) -> int:
                moves = self._tables.steps.moves(node, row)
                profile = self._worked_out(node, self._tables.layout.padded(row), moves)
                if profile not in numbers:
                    numbers[profile] = len(known)
                    known.append(profile)
                return numbers[profile]

            lookup = self._lookups[column] = ByNode(self._tables, column, history, make, gates=False)
        return lookup.find(rows)

    def _worked_out(self, node: Node, row: Row, moves: Moves) -> Profile:
        """Return what counts of a program whose message comes to these moves, and take note of what it touches."""
        reach = self._tables.steps.reach(node, row)
        cells = self._tables.layout.interners
        writes = marks = 0
        after: list[Node] = []
        for move in moves:
            writes |= bits(one for one, number in move.changes if one in cells and number != row[one])
            marks |= self._visibility.marks(node, row, move)
            after += [move.node] if move.child is None else [move.node, move.child]
        step = Touch(bits(reach.columns), writes, marks)
        self._futures.known.note(node, step, after)
        required = not node.history.background
        return Profile(
            here=True,
            required=required,
            enabled=bool(moves),
            fails=any(move.failed for move in moves),
            ends=required and any(move.node.pending is None for move in moves),
            silences=self._visibility.silenced(node.name),
            step=step,
            future=self._futures.of(node, step._replace(writes=writes | bits(reach.writes))),
        )
