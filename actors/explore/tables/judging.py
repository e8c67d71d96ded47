"""Conditions on rows: decided once for each combination of numbers in the columns that they look at.

A label belongs to a program's node, so a condition on a label looks at the program's column.
"""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from actors.explore.tables.layout import Layout, Row
from actors.runtime.conditions import Checks, Decided


class Judged:
    """One condition, its columns, and what it has decided."""

    __slots__ = ("columns", "decided", "known", "name", "pick", "sometimes")

    def __init__(self, decided: Decided, columns: tuple[int, ...]) -> None:
        self.decided = decided
        self.name = decided.name
        self.sometimes = decided.sometimes
        self.columns = columns
        self.pick: Callable[[Row], Any] = itemgetter(*columns) if columns else _nothing
        self.known: dict[Any, bool] = {}


def _nothing(_: Row) -> int:
    return 0


class Judge:
    """The conditions of a world, over its columns; laid out again when a column is added."""

    def __init__(self, layout: Layout, checks: Checks) -> None:
        self._layout = layout
        self._checks = checks
        self._width = 0
        self._judged: list[Judged] = []
        self._lay_out()

    def _lay_out(self) -> None:
        """Find the columns of all conditions; a program that they ask about may have been spawned since."""
        before = self._judged
        self._judged = []
        for place, decided in enumerate(self._checks.all):
            columns = self._layout.columns(decided.condition.reads)
            same = before and before[place].columns == columns
            self._judged.append(before[place] if same else Judged(decided, columns))
        self._width = self._layout.width

    def judged(
        self, row: Row, among: Iterable[Judged] | None = None
    ) -> tuple[tuple[str, ...], frozenset[str]]:
        """Return the names of the `always` conditions that a state breaks, and of the `sometimes` that it meets.

        Of those `among` the conditions, if not all are asked about.
        """
        broken: list[str] = []
        met: list[str] = []
        for judged in self.conditions() if among is None else among:
            holds = self.holds(judged, row)
            if holds == judged.sometimes:
                (met if holds else broken).append(judged.name)
        return tuple(broken), frozenset(met)

    def conditions(self) -> list[Judged]:
        """Return the conditions with their columns, as these are now."""
        if self._width != self._layout.width:
            self._lay_out()
        return self._judged

    def holds(self, judged: Judged, row: Row) -> bool:
        """Decide one condition on a state."""
        key = judged.pick(row)
        holds = judged.known.get(key)
        if holds is None:
            holds = judged.known[key] = self._decide(judged, row)
        return holds

    def _decide(self, judged: Judged, row: Row) -> bool:
        reads = judged.decided.condition.reads
        values = {target: self._layout.value(row, target) for target in reads}
        return judged.decided.decide(values, twice=True)
