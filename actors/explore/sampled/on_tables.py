"""Executions on tables: one by one as a strategy chooses, or thousands at once where the choices allow it.

The first ones are run again on Trio, checked, and compared. A world that fills the tables without repeating
itself is stepped on live coroutines from then on; the same choices are the same execution there.
"""

from functools import partial
from typing import TYPE_CHECKING

import trio

from actors.explore.sampled.agreement import difference
from actors.explore.sampled.coroutines import Chosen, step_through
from actors.explore.sampled.counting import TooLarge
from actors.explore.sampled.on_trio import note
from actors.explore.sampled.position import Strategy
from actors.explore.sampled.rows import LIMIT, Full, Rows
from actors.explore.sampled.tally import Tally
from actors.explore.stopping import Stoppable, StopRequest
from actors.explore.strategies import Setting, Window, make
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.strategies.urw import Urw
from actors.explore.tables.tables import Tables
from actors.runtime.answers import Answers
from actors.runtime.errors import ModelError
from actors.runtime.world import World

COMPARED = 3
"""Executions that are run on Trio as well."""

_CHECKED_AGAIN = 10_000
_ALONE = 32
"""Executions before there are batches: enough to find what is easily found."""

_WORTH = 256
_FIRST_BATCH, _LARGEST_BATCH = 256, 8_192

if TYPE_CHECKING:
    from actors.explore.sampled.columns import Columns


class OnTables:
    """Executions of one world on tables, or on coroutines once these are full."""

    def __init__(
        self,
        world: World,
        tally: Tally,
        *,
        only: frozenset[str] | None,
        limit: int,
        stop: StopRequest,
        most: int = LIMIT,
    ) -> None:
        self._world = world
        self._tally = tally
        self._only = only
        self._limit = limit
        self._stop = stop
        self._tables: Tables | None = Tables(world, only)
        self._rows: Rows | None = Rows(self._tables, most)
        self._answers = Answers()
        self._columns: Columns | None = None
        self._tried = False
        self._size = _FIRST_BATCH // 2

    @property
    def direct(self) -> bool:
        """Whether the tables have been given up."""
        return self._rows is None

    def make(self, strategy: str, seed: int, windows: tuple[Window, ...]) -> Strategy:
        """Make the strategy that will choose, and return it."""
        self._seed = seed
        self.strategy = make(strategy, seed, Setting(self._tables, windows))
        return self.strategy

    def one(self, number: int) -> None:
        """Run one execution."""
        self.strategy.begin(number)
        rows = self._rows
        if rows is not None:
            try:
                ending = rows.run(self.strategy, self._limit, self._stop)
            except Full:
                self._give_up()
                self.strategy.begin(number)
            else:
                self._tally.met |= rows.met
                self._tally.note(number, ending, rows.steps, rows.violated, rows.choices)
                if number <= COMPARED:
                    self._compare(number, rows)
                return
        chosen = Chosen(self.strategy)
        execution = step_through(
            self._world,
            Stoppable(chosen, self._stop),
            limit=self._limit,
            only=self._only,
            answers=self._answers,
        )
        chosen.ended(execution)
        note(self._tally, number, execution)

    def _compare(self, number: int, rows: Rows) -> None:
        async def compare() -> str | None:
            return await difference(self._world, rows, only=self._only, limit=self._limit, stop=self._stop)

        why = trio.run(compare)
        if why is not None:
            self._tally.lost(number, rows.violated, why)

    def _give_up(self) -> None:
        """Go on without tables."""
        self.close()
        self._rows = self._tables = None

    # Many at once.

    def batch(self, number: int, last: int, *, keep_going: bool) -> int:
        """Run executions from `number` on, at most to `last`, if the strategy and the world allow many at once.

        Return the number of the next one to run: `number` if there was no batch.
        """
        if number <= _ALONE or (self._columns is None and not self._worth(last - number)):
            return number
        self._size = min(2 * self._size, _LARGEST_BATCH)
        count = min(self._size, last + 1 - number)
        try:
            if self._columns is None:
                self._columns = self._lay_out()
            walked = self._columns.walk(self._seed, number, count, self._limit, self._stop)
            if walked.violated and not keep_going:
                count = walked.violated[0] + 1 - number
                walked = self._columns.walk(self._seed, number, count, self._limit, self._stop)
        except TooLarge:
            self._columns, self._tried = None, True
            return number
        self._tally.add(count, int(walked.steps.sum()), len(walked.violated), walked.undecided)
        self._tally.met |= self._columns.met(walked)
        for place, names in self._columns.shortest(walked):
            self._tally.keep(
                number + place, int(walked.steps[place]), names, partial(self._alone, number + place)
            )
        return number + count

    def _worth(self, more: int) -> bool:
        strategy = self.strategy
        if self._tried or self._tables is None or more < _WORTH:
            return False
        return isinstance(strategy, RandomWalk) or (isinstance(strategy, Urw) and strategy.counts is not None)

    def _lay_out(self) -> "Columns":
        from actors.explore.sampled.columns import Columns  # noqa: PLC0415  # imports NumPy

        assert self._tables is not None
        names = tuple(one.name for one in self._world.conditions if one.mode == "sometimes")
        counts = self.strategy.counts if isinstance(self.strategy, Urw) else None
        return Columns(self._tables, names, counts)

    def _alone(self, number: int) -> list[int]:
        """Return the choices of an execution of a batch, by running it alone."""
        assert self._rows is not None
        self.strategy.begin(number)
        self._rows.run(self.strategy, self._limit, self._stop)
        return self._rows.choices

    def close(self) -> None:
        """Run a sample of programs again, and close all; raises Nondeterminism and SwallowedTeardown."""
        if self._tables is not None:
            self._tables.check(_CHECKED_AGAIN)
            self._tables.close()

    def abandon(self) -> None:
        """Close all, whatever they do about it."""
        if self._tables is not None:
            while True:
                try:
                    self._tables.close()
                except ModelError:
                    continue
                break
