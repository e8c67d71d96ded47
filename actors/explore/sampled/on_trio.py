"""Executions on Trio: under a strategy's control, or freely, each log then followed under control.

All share one `trio.run`, one world and its devices' tasks. A sample is checked (see `Execution.checked`): the
first ones, where mistakes of the model usually show, and a few of the rest.
"""

from contextlib import AbstractAsyncContextManager

from actors.explore.sampled.coroutines import Chosen
from actors.explore.sampled.position import Strategy
from actors.explore.sampled.tally import Tally
from actors.explore.stopping import Stoppable, StopRequest
from actors.runtime.digest import Digest
from actors.runtime.drivers.trio_driver import TrioDriver, open_driver
from actors.runtime.errors import Divergence
from actors.runtime.execution import Execution
from actors.runtime.schedule import FollowLog
from actors.runtime.world import World

_CHECKED_FIRST = 16
_CHECKED_EVERY = 64


class OnTrio:
    """Executions of one world on Trio."""

    def __init__(
        self, world: World, tally: Tally, *, only: frozenset[str] | None, limit: int, stop: StopRequest
    ) -> None:
        self._world = world
        self._tally = tally
        self._only = only
        self._limit = limit
        self._stop = stop

    async def controlled(self, driver: TrioDriver, number: int, strategy: Strategy) -> None:
        """Run one execution under a strategy's control."""
        strategy.begin(number)
        checked = number <= _CHECKED_FIRST or number % _CHECKED_EVERY == 0
        chosen = Chosen(strategy)
        execution = await driver.run(
            Stoppable(chosen, self._stop), limit=self._limit, checked=checked, only=self._only
        )
        chosen.ended(execution)
        note(self._tally, number, execution)

    async def free(self, driver: TrioDriver, number: int, seed: int) -> None:
        """Run freely, then follow the log under control: that execution is the one that counts."""
        freely, controlled = Digest(), Digest()
        log = await driver.run_free(f"{seed}:{number}", limit=self._limit, observer=freely)
        self._tally.orders.add(tuple(log))
        chooser = Stoppable(FollowLog(log), self._stop)
        try:
            execution = await driver.run(chooser, limit=self._limit, only=self._only, observer=controlled)
        except Divergence as error:
            self._tally.lost(number, (), str(error))
            return
        same = min(len(log), execution.steps)
        if freely.of_steps[:same] != controlled.of_steps[:same]:
            self._tally.lost(number, (), "the controlled replay of the free run's log went another way")
            return
        note(self._tally, number, execution)

    def open(self) -> AbstractAsyncContextManager[TrioDriver]:
        """Start the devices' tasks."""
        return open_driver(self._world)


def note(tally: Tally, number: int, execution: Execution) -> None:
    """Count an execution."""
    names = execution.violation.names if execution.violation is not None else ()
    tally.met |= execution.met
    tally.note(number, execution.ending, execution.steps, names, execution.choices)
