"""Sampling: run a scenario many times, each time in another order, and keep what goes wrong.

All executions of one exploration share one `trio.run`, one world and its devices' tasks. None of them is
written down: what is kept of an execution that violates something are its choices, and those are run again,
recorded, in a world built anew (`recording`). Only what comes out the same there is a finding.

A sample of the executions is checked (see `Execution.checked`): the first ones, where mistakes of the model
usually show, and a few of the rest.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import trio

from actors.explore.recording import execute
from actors.explore.results import Exploration, Finding, Recorded, Unreproduced
from actors.explore.selection import select, sometimes
from actors.explore.stopping import Stop, Stoppable, StopRequest, never
from actors.explore.strategies import STRATEGIES
from actors.runtime.determinism import check_builder
from actors.runtime.digest import Digest
from actors.runtime.drivers.trio_driver import STEP_LIMIT, TrioDriver, open_driver
from actors.runtime.errors import Divergence
from actors.runtime.execution import Execution
from actors.runtime.recorder import model_line
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import Follow, FollowLog

Progress = Callable[[int], None]

_CHECKED_FIRST = 16
_CHECKED_EVERY = 64


class Wanted(msgspec.Struct, frozen=True):
    """What to do: how many executions, chosen by whom, and when to stop."""

    strategy: str = "random"
    seed: int = 0
    executions: int = 1000
    keep_going: bool = False
    conditions: tuple[str, ...] = ()
    free: bool = False
    limit: int = STEP_LIMIT


def explore(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    wanted: Wanted,
    *,
    stop: StopRequest = never,
    progress: Progress | None = None,
) -> Exploration:
    """Sample executions until one violates something, or all are done, or `stop` says so.

    `progress` is told how many are done after each. Raises VmraceError for conditions that do not exist, and
    ModelError where the scenario breaks a rule.
    """
    return trio.run(_Sampling(scenario, parameters, wanted, stop, progress).run)


class _Sampling:
    """One exploration under way."""

    def __init__(
        self,
        scenario: Scenario,
        parameters: Mapping[str, Any],
        wanted: Wanted,
        stop: StopRequest,
        progress: Progress | None,
    ) -> None:
        self.scenario = scenario
        self.parameters = parameters
        self.wanted = wanted
        self.world = check_builder(scenario, parameters)
        self.only = select(self.world, wanted.conditions)
        self._stop = stop
        self._progress = progress
        self._strategy = STRATEGIES[wanted.strategy](wanted.seed)
        self._chooser = Stoppable(self._strategy, stop)
        self._number = 0
        self._done = self._steps = self._violations = self._undecided = 0
        self._met: set[str] = set()
        self._orders: set[tuple[tuple[str, int], ...]] = set()
        self._shortest: dict[frozenset[str], tuple[int, Execution]] = {}
        self._unreproduced: list[Unreproduced] = []
        self._stopped = False

    async def run(self) -> Exploration:
        """Do it."""
        begun = time.perf_counter()
        async with open_driver(self.world) as driver:
            try:
                await self._sample(driver)
            except Stop:
                self._stopped = True
        findings = await self._confirmed()
        return Exploration(
            scenario=self.scenario.name,
            parameters=tuple(self.scenario.as_text(self.parameters).items()),
            model=model_line(self.scenario, self.parameters, self.world),
            wanted=self.wanted.executions,
            executions=self._done,
            steps=self._steps,
            seconds=time.perf_counter() - begun,
            sometimes=sometimes(self.world, self._met),
            findings=findings,
            unreproduced=tuple(self._unreproduced),
            violations=self._violations,
            undecided=self._undecided,
            orders=len(self._orders) if self.wanted.free else None,
            stopped=self._stopped,
        )

    async def _sample(self, driver: TrioDriver) -> None:
        once = self._free if self.wanted.free else self._controlled
        for number in range(1, self.wanted.executions + 1):
            if self._stop():
                raise Stop
            self._number = number
            execution = await once(driver)
            if execution is not None:
                self._note(execution)
            if self._progress is not None:
                self._progress(number)
            if (self._violations or self._unreproduced) and not self.wanted.keep_going:
                return

    async def _controlled(self, driver: TrioDriver) -> Execution:
        self._strategy.begin(self._number)
        checked = self._number <= _CHECKED_FIRST or self._number % _CHECKED_EVERY == 0
        return await driver.run(self._chooser, limit=self.wanted.limit, checked=checked, only=self.only)

    async def _free(self, driver: TrioDriver) -> Execution | None:
        """Run freely, then follow the log under control: that execution is the one that counts."""
        freely, controlled = Digest(), Digest()
        log = await driver.run_free(
            f"{self.wanted.seed}:{self._number}", limit=self.wanted.limit, observer=freely
        )
        self._orders.add(tuple(log))
        chooser = Stoppable(FollowLog(log), self._stop)
        try:
            execution = await driver.run(
                chooser, limit=self.wanted.limit, only=self.only, observer=controlled
            )
        except Divergence as error:
            self._lost(self._number, (), str(error))
            return None
        same = min(len(log), execution.steps)
        if freely.of_steps[:same] != controlled.of_steps[:same]:
            self._lost(self._number, (), "the controlled replay of the free run's log went another way")
            return None
        return execution

    def _note(self, execution: Execution) -> None:
        self._done += 1
        self._steps += execution.steps
        self._met |= execution.met
        self._undecided += execution.ending == "limit"
        if execution.violation is None:
            return
        self._violations += 1
        names = frozenset(execution.violation.names)
        known = self._shortest.get(names)
        if known is None or execution.steps < known[1].steps:
            self._shortest[names] = (self._number, execution)

    async def _confirmed(self) -> tuple[Finding, ...]:
        found = []
        for number, execution in self._shortest.values():
            recorded = await self._confirm(number, execution)
            if recorded is not None:
                found.append(Finding(number, recorded))
        return tuple(found)

    async def _confirm(self, number: int, execution: Execution) -> Recorded | None:
        """Run the choices of an execution again in a new world; None if it is not the same execution."""
        assert execution.violation is not None
        names = execution.violation.names
        try:
            recorded = await execute(
                self.scenario,
                self.parameters,
                Follow(execution.choices),
                only=self.only,
                limit=self.wanted.limit,
            )
        except Divergence as error:
            self._lost(number, names, str(error))
            return None
        if recorded.names != names or len(recorded.record.steps) != execution.steps:
            again = ", ".join(recorded.names) or "nothing violated"
            self._lost(
                number, names, f"{again} after {len(recorded.record.steps)} steps, not {execution.steps}"
            )
            return None
        return recorded

    def _lost(self, number: int, names: Sequence[str], why: str) -> None:
        self._unreproduced.append(Unreproduced(number, tuple(names), why))
