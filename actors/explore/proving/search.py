"""Breadth-first, level by level: every state that any order of events leads to.

The states of a level are expanded in the order in which they were found, and of each the programs in the order of
creation and their outcomes in the order of the device. So the first violation found is the first of the
shortest ones in that order, whatever the fingerprints are and however a level is cut into chunks. A search
that finds one finishes the level.
"""

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from actors.explore.covered import Covered, Log
from actors.explore.proving.decisions import Decisions
from actors.explore.proving.expansion import Codes, Expansion, Indices, Successors
from actors.explore.proving.fingerprints import Fingerprinting, Words
from actors.explore.proving.lookup import Rows
from actors.explore.proving.seen import Seen
from actors.explore.tables.tables import Tables

_CHUNK = 1 << 16
Limit = Literal["states", "memory", "time", "stopped"]


class Bounds(NamedTuple):
    """When to give up: distinct states, bytes, seconds; None is no bound."""

    states: int | None = None
    memory: int | None = None
    seconds: float | None = None


class Progress(NamedTuple):
    """How far a search is."""

    states: int
    transitions: int
    frontier: int
    depth: int
    seconds: float


class Found(NamedTuple):
    """One violated state: its number, how many steps lead there, and whether it is a deadlock."""

    state: int
    depth: int
    deadlock: bool


class Block(NamedTuple):
    """States to be expanded: their rows, fingerprints, and numbers in order of discovery."""

    rows: Rows
    prints: Words
    numbers: Indices

    def part(self, start: int, end: int) -> "Block":
        """Return the states from one place to another."""
        return Block(self.rows[start:end], self.prints[start:end], self.numbers[start:end])


class Search:
    """One search; `keep_going` does not stop at violated conditions, and goes on behind them."""

    def __init__(
        self,
        tables: Tables,
        *,
        keep_going: bool = False,
        seed: int = 0,
        bounds: Bounds = Bounds(),  # noqa: B008  # an immutable value
        progress: Callable[[Progress], bool] | None = None,
    ) -> None:
        self._tables = tables
        self._keep_going = keep_going
        self._bounds = bounds
        self._progress = progress
        self._words = Fingerprinting(seed)
        self._seen = Seen()
        self._expansion = Expansion(tables, self._words)
        self.decisions = Decisions(tables)
        self._parents: list[npt.NDArray[np.uint32]] = []
        self._moves: list[Codes] = []
        self.states = 0
        self.transitions = 0
        self.depth = 0
        self.found: list[Found] = []
        self.limit: Limit | None = None
        self._cut = False  # whether a level was ended before its end
        self._begun = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the search began."""
        return time.perf_counter() - self._begun

    def run(self) -> Covered:
        """Search until there is nothing new, something is found, or a bound is hit."""
        self._search()
        first = min(self.found, key=lambda one: (one.depth, one.deadlock, one.state), default=None)
        return Covered(
            self.states,
            self.transitions,
            self.depth,
            frozenset(self.decisions.met),
            frozenset(self.decisions.violated | {"deadlock" for one in self.found if one.deadlock}),
            self.path(first.state) if first is not None else None,
            self.limit,
            fingerprinted=True,
            # A state that was not looked at may be stuck, one step short of what was found on the way to the next level.
            shortest=not (self._cut and first is not None and first.depth == self.depth),
        )

    def _search(self) -> None:
        rows = np.array([self._tables.initial()], self._expansion.kind())
        prints = self._words.of(rows)
        self._seen.add(prints)
        first = np.zeros(1, np.int64)
        level = [self._arrived(rows, prints, first, first.astype(np.uint8), first)]
        while (self._keep_going or not self.found) and any(len(block.rows) for block in level):
            if self._out_of_bounds(level):
                return
            self.depth += 1
            level = self._expanded(level)

    def _out_of_bounds(self, level: list[Block]) -> bool:
        bounds, frontier = self._bounds, sum(len(block.rows) for block in level)
        if self._progress is not None and not self._progress(
            Progress(self.states, self.transitions, frontier, self.depth, self.seconds)
        ):
            self.limit = "stopped"
        elif bounds.states is not None and self.states >= bounds.states:
            self.limit = "states"
        elif bounds.seconds is not None and self.seconds >= bounds.seconds:
            self.limit = "time"
        elif bounds.memory is not None and self._memory(level) >= bounds.memory:
            self.limit = "memory"
        return self.limit is not None

    def _memory(self, level: list[Block]) -> int:
        """Return the bytes that states take: fingerprints, the ways to them, and the rows of those to be expanded."""
        return (
            self._seen.bytes
            + 6 * self.states
            + sum(block.rows.nbytes + 16 * len(block.rows) for block in level)
        )

    def _expanded(self, level: list[Block]) -> list[Block]:
        """Expand all states of a level; return those of the next that are to be expanded, in order."""
        after: list[Block] = []
        while level:
            block = level.pop(0)  # so that its memory is free once it is done
            for start in range(0, len(block.rows), _CHUNK):
                made = self._chunk(block.part(start, start + _CHUNK))
                if after and len(after[-1].rows) + len(made.rows) <= _CHUNK:
                    after[-1] = _joined(after[-1], made)
                else:
                    after.append(made)
                if self.limit is None and (level or start + _CHUNK < len(block.rows)):
                    self._out_of_bounds([*after, *level])
                if self.limit is not None:
                    self._cut = True
                    return []
        return after

    def _chunk(self, block: Block) -> Block:
        found = self._successors(block)
        self.transitions += len(found.parents)
        self.found += [Found(int(block.numbers[at]), self.depth - 1, deadlock=True) for at in found.stuck[:1]]
        new = self._add(found.fingerprints)
        parents = found.parents.take(new)
        made, codes, ended = self._expansion.after(block.rows, parents, found.moves.take(new))
        return self._arrived(made, found.fingerprints.take(new), block.numbers.take(parents), codes, ended)

    def _successors(self, block: Block) -> Successors:
        return self._expansion.successors(block.rows, block.prints)

    def _add(self, prints: Words) -> Indices:
        """Take note of states; return the positions of those that are new."""
        return self._seen.add(prints)

    def _arrived(self, rows: Rows, prints: Words, parents: Indices, codes: Codes, ended: Indices) -> Block:
        """Number new states, judge them, and return those that are to be expanded."""
        numbers = np.arange(self.states, self.states + len(rows))
        self.states += len(rows)
        self._parents.append(parents.astype(np.uint32))
        self._moves.append(codes)
        standing = self.decisions.standing(rows, ended)
        bad = standing.broken | standing.failed
        self.found += [Found(int(numbers[at]), self.depth, deadlock=False) for at in np.flatnonzero(bad)[:1]]
        ends = standing.failed | standing.finished
        if not self._keep_going:
            ends |= standing.broken
        if not ends.any():
            return Block(rows, prints, numbers)
        on = np.flatnonzero(~ends)
        return Block(rows.take(on, axis=0), prints.take(on), numbers.take(on))

    def path(self, state: int) -> Log:
        """Return how a state was reached first, as (program, outcome)."""
        parents, moves = np.concatenate(self._parents), np.concatenate(self._moves)
        names = self._expansion.named()
        log: Log = []
        while moves[state]:
            log.append(names[int(moves[state])])
            state = int(parents[state])
        return log[::-1]


def _joined(one: Block, other: Block) -> Block:
    width = max(one.rows.shape[1], other.rows.shape[1])
    rows = np.concatenate([_padded(one.rows, width), _padded(other.rows, width)])
    return Block(
        rows, np.concatenate([one.prints, other.prints]), np.concatenate([one.numbers, other.numbers])
    )


def _padded(rows: Rows, width: int) -> Rows:
    missing = width - rows.shape[1]
    return np.pad(rows, ((0, 0), (0, missing))) if missing else rows
