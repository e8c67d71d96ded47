"""Plays executions of one world on tables, as they are drawn, and checks on the way what vmrace rests on.

The tables are kept from one execution to the next, as long as the strategy lives, and emptied when they have grown large. What
Hypothesis draws never depends on them: the same draws are the same execution, and ask for the same draws, however
much is known already.
"""

import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from actors.explore.sampled.agreement import difference
from actors.explore.sampled.rows import Rows
from actors.explore.selection import select
from actors.explore.stopping import never
from actors.explore.tables.tables import Tables
from actors.runtime.determinism import check_builder
from actors.runtime.errors import ModelError, SwallowedTeardown, VmraceError
from actors.runtime.scenario import Scenario
from actors.testing.drawing import Draw, Drawn
from actors.testing.run import Run
from actors.testing.trio_runs import on_trio

LARGE = 50_000
"""Steps in the tables after which they are emptied."""

_RUN_AGAIN = 10_000
_NO_LIMIT = 1 << 62


class Unplayable(BaseException):
    """There is no world to play, or it breaks a rule.

    Not an Exception: Hypothesis would take one for a matter of what was drawn, and look for simpler draws that do the same.
    """


class Player:
    """Executions of one scenario; `limit` is that on steps. Raises VmraceError for conditions that there are not."""

    def __init__(
        self, scenario: Scenario, parameters: Mapping[str, Any], conditions: tuple[str, ...], limit: int
    ) -> None:
        self._scenario, self._parameters, self._limit = scenario, dict(parameters), limit
        self._world = check_builder(scenario, parameters)
        self._only = select(self._world, conditions)
        self._played = 0
        self._failed = False
        self._wrong = ""
        self._open()

    def _open(self) -> None:
        tables = Tables(self._world, self._only)
        self._rows = Rows(tables, _NO_LIMIT)
        # Programs stand in the tables that nobody but vmrace may close, whenever it is that this is forgotten.
        self._close = weakref.finalize(self, _close, tables)

    def play(self, draw: Draw) -> Run:
        """Play the execution that is drawn; raises Unplayable where the world breaks a rule, and from then on."""
        __tracebackhide__ = True
        if not self._wrong:
            try:
                return self._play(draw)
            except VmraceError as error:
                self._wrong = str(error)
        raise Unplayable(self._wrong)

    def _play(self, draw: Draw) -> Run:
        rows = self._rows
        if rows.tables.steps.size > LARGE:
            rows.tables.check(_RUN_AGAIN)
            self._close()
            self._open()
            rows = self._rows
        self._played += 1
        drawn = Drawn(draw)
        drawn.begin(self._played)
        rows.run(drawn, self._limit, never)
        first = rows.ending == "violated" and not self._failed
        self._failed = self._failed or first
        if first or _checked(self._played):
            self._check()
        return Run(self._scenario, self._parameters, self._only, rows, self._limit)

    def _check(self) -> None:
        """Run the last execution again on Trio, and programs to the ends of their histories."""
        rows = self._rows

        async def compare() -> str | None:
            return await difference(self._world, rows, only=self._only, limit=self._limit, stop=never)

        why = on_trio(compare)
        if why is not None:
            raise ModelError(
                f"{self._scenario.name}: {why}; a program is not deterministic, or this is a bug in vmrace"
            )
        rows.tables.check(_RUN_AGAIN)


def _checked(number: int) -> bool:
    """Say whether an execution is in the sample that is checked: the second, fourth, eighth, ..."""
    return number > 1 and number & (number - 1) == 0


def _close(tables: Tables) -> None:
    """Close a program after the other; those that go on nevertheless were told of where they were found."""
    while True:
        with suppress(SwallowedTeardown):
            tables.close()
            return
