"""What holds in many states at once: conditions, failed programs, and whether all that must end has ended."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from actors.explore.proving.lookup import Lookup, Rows
from actors.explore.tables.histories import History
from actors.explore.tables.judging import Judge, Judged
from actors.explore.tables.tables import Tables
from actors.runtime.endings import names_of

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
_FAILS, _HOLDS = 1, 2
"""Places of what a condition decides."""


class Standing(NamedTuple):
    """How states stand: which break a condition, in which a program failed, and which have finished."""

    broken: Mask
    failed: Mask
    finished: Mask


class Decisions:
    """The conditions of a world over its columns; `met` collects the `sometimes` that held somewhere."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._width = -1
        self._lookups: list[tuple[Judged, Lookup]] = []
        self._ends: dict[int, tuple[Mask, Mask]] = {}
        self.met: set[str] = set()
        self.violated: set[str] = set()

    def _lay_out(self) -> None:
        judge = self._tables.judge
        self._width = self._tables.layout.width
        self._lookups = []
        for judged in judge.conditions():
            lookup = Lookup(_decider(judge, judged), self._tables.layout.numbers)
            lookup.lay_out(judged.columns)
            self._lookups.append((judged, lookup))

    def standing(self, rows: Rows, ended: Indices) -> Standing:
        """Decide on whole rows, which have all columns; `ended` are those in which a program may have just ended."""
        if self._width != self._tables.layout.width:
            self._lay_out()
        broken = np.zeros(len(rows), np.bool_)
        for judged, lookup in self._lookups:
            if judged.sometimes and judged.name in self.met:
                continue
            holds = lookup.find(rows) == _HOLDS
            if judged.sometimes:
                if holds.any():
                    self.met.add(judged.name)
            elif not holds.all():
                broken |= ~holds
                self.violated.add(judged.name)
        failed, finished = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
        if len(ended):
            failed[ended], finished[ended] = self._endings(rows.take(ended, axis=0))
        return Standing(broken, failed, finished)

    def _endings(self, rows: Rows) -> tuple[Mask, Mask]:
        """Return in which states a program has failed, and in which all that must end has ended."""
        failed, finished = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
        for column, history in self._tables.layout.schedule:
            nodes = rows[:, column]
            fails, ends = self._ends_of(column, history)
            here = fails[nodes]
            if here.any():
                failed |= here
                self._note_failures(history, nodes[here])
            if not history.background:
                finished &= ends[nodes]
        return failed, finished

    def _ends_of(self, column: int, history: History) -> tuple[Mask, Mask]:
        """Return of each node of a program whether it has failed there, and whether it has ended or is not there."""
        known = self._ends.get(column)
        if known is None or len(known[0]) != len(history.nodes):
            nodes = history.nodes
            fails = np.array([node is not None and node.failure is not None for node in nodes], np.bool_)
            ends = np.array([node is None or node.pending is None for node in nodes], np.bool_)
            known = self._ends[column] = fails, ends
        return known

    def _note_failures(self, history: History, nodes: Rows) -> None:
        ended = [history.nodes[number] for number in np.unique(nodes).tolist()]
        failures = [node.failure for node in ended if node is not None and node.failure is not None]
        self.violated.update(names_of((), failures))


def _decider(judge: Judge, judged: Judged) -> Callable[[Rows, int], int]:
    def decide(rows: Rows, at: int) -> int:
        return _FAILS + judge.holds(judged, tuple(rows[at].tolist()))

    return decide
