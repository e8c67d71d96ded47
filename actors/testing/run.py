"""Run: one execution that Hypothesis has drawn, as a test looks at it.

It happened on tables. What a person is shown of it, `chart`, is recorded when it is asked for, by running the same choices
again on Trio, checked, in a world built anew; so what Hypothesis reports has been replayed.
"""

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from actors.explore.recording import execute
from actors.explore.results import Recorded
from actors.explore.sampled.enabled import TableOffer
from actors.explore.sampled.rows import Rows
from actors.explore.tables.steps import Move
from actors.observe.report import report
from actors.runtime.errors import Divergence, ModelError, VmraceError
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import Follow
from actors.testing.subjects import PACKAGE
from actors.testing.trio_runs import on_trio
from protocol.handles import Cell, Label
from protocol.records import Verdict


class Taken(msgspec.Struct, frozen=True):
    """One step: the program, its message, the device's name, the reply (RETRY if it stays pending), and the outcome's label."""

    program: str
    message: Any
    device: str
    reply: Any
    outcome: str


class Violated(AssertionError):
    """A run broke a condition, failed an assertion of a program, or ended in a deadlock."""


class Run:
    """One execution.

    `violated` are the names of what went wrong, `met` those of the `sometimes` that held; `steps` is its length, `choices`
    are those of its schedule, and `switches` counts the steps that another program takes than the one before.
    """

    def __init__(
        self,
        scenario: Scenario,
        parameters: dict[str, Any],
        only: frozenset[str] | None,
        rows: Rows,
        limit: int,
    ) -> None:
        self.violated: tuple[str, ...] = rows.violated if rows.ending == "violated" else ()
        self.met = frozenset(rows.met)
        self.steps = rows.steps
        self.choices = tuple(rows.choices)
        self._ending = rows.ending
        self._path: Sequence[tuple[TableOffer, Move]] = rows.path
        self._layout, self._row = rows.tables.layout, rows.row
        self._scenario, self._parameters, self._only, self._limit = scenario, parameters, only, limit

    @property
    def verdict(self) -> Verdict:
        """Return `violated`, `not found`, or `inconclusive` if the limit on steps ended it."""
        if self.violated:
            return "violated"
        return "inconclusive" if self._ending == "limit" else "not found"

    @property
    def programs(self) -> tuple[str, ...]:
        """The program of each step, by name."""
        return tuple(offer.program for offer, _ in self._path)

    @property
    def switches(self) -> int:
        """How often a step was another program's than the one before."""
        return sum(one != other for one, other in pairwise(self.programs))

    @functools.cached_property
    def taken(self) -> tuple[Taken, ...]:
        """All steps, in order."""
        return tuple(_taken(offer, move) for offer, move in self._path)

    def __getitem__(self, of: Any) -> Any:
        """Return what a cell or a label holds at the end; a device stands for its cell, and so does a cell's name.

        Raises KeyError for a cell that there is not, TypeError for what names none.
        """
        target = (
            Cell(of)
            if isinstance(of, str)
            else of
            if isinstance(of, Cell | Label)
            else getattr(of, "cell", None)
        )
        if not isinstance(target, Cell | Label):
            raise TypeError(f"a run holds the values of cells and labels; {type(of).__name__} names neither")
        if isinstance(target, Cell) and target not in self._layout.cells:
            raise KeyError(f"there is no cell called {target.name!r}")
        return self._layout.value(self._layout.padded(self._row), target)

    def check(self) -> None:
        """Raise Violated if something went wrong; Hypothesis then shows the chart."""
        __tracebackhide__ = True
        # On one line, or Hypothesis would tell its reader that this line here runs only where the test fails.
        if self.violated: raise Violated("; ".join(self.violated))  # fmt: skip  # noqa: E701

    # As a person sees it.

    @functools.cached_property
    def recorded(self) -> Recorded:
        """The same execution on Trio, written down; raises VmraceError if it is not the same there."""
        try:
            recorded = on_trio(self._record)
        except Divergence as error:
            raise _differs(str(error)) from None
        if recorded.names != self.violated or len(recorded.record.steps) != self.steps:
            again = ", ".join(recorded.names) or "nothing violated"
            raise _differs(f"{again} after {len(recorded.record.steps)} steps there")
        return recorded

    async def _record(self) -> Recorded:
        return await execute(
            self._scenario, self._parameters, Follow(self.choices), only=self._only, limit=self._limit
        )

    @property
    def token(self) -> str:
        """The token of the execution; empty if the limit on steps ended it."""
        return self.recorded.token

    @property
    def chart(self) -> str:
        """The chart with the lines below it."""
        token = self.token if self._scenario.module.partition(".")[0] == PACKAGE else ""
        return report(self.recorded.record, token, "vmrace replay {}".format)

    def __repr__(self) -> str:
        """Tell all of it: this is what Hypothesis prints of an example that fails."""
        said = ", ".join(self.violated) or self.verdict
        counted = f"{_count(self.steps, 'step')}, {_count(self.switches, 'context switch')}"
        try:
            drawn = self.chart
        except VmraceError as error:
            drawn = f"vmrace: {error}"
        return f"<{self._scenario.name}: {said} ({counted})\n\n{drawn}\n>"


def _taken(offer: TableOffer, move: Move) -> Taken:
    request = offer.node.pending
    assert request is not None
    return Taken(offer.program, request.message, request.to.name, move.reply, move.label)


def _differs(why: str) -> ModelError:
    return ModelError(f"a run did not come out the same on Trio: {why}; this is a bug in vmrace")


def _count(number: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"
