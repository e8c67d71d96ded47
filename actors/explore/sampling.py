"""Sampling: run a scenario many times, each time in another order, and keep what goes wrong.

Executions run on tables unless Trio is asked for (`sampled.on_tables`, `sampled.on_trio`). None of them is
written down: what is kept of an execution that violates something are its choices, and those are run again on
Trio, recorded, in a world built anew (`recording`). Only what comes out the same there is a finding.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import trio

from actors.explore.recording import execute
from actors.explore.results import Exploration, Finding, Recorded
from actors.explore.sampled.on_tables import OnTables
from actors.explore.sampled.on_trio import OnTrio
from actors.explore.sampled.position import Strategy
from actors.explore.sampled.rows import LIMIT
from actors.explore.sampled.tally import Sample, Tally
from actors.explore.selection import select, sometimes
from actors.explore.stopping import Stop, StopRequest, never
from actors.explore.strategies import Setting, Window, make
from actors.runtime.determinism import check_builder
from actors.runtime.drivers.trio_driver import STEP_LIMIT
from actors.runtime.errors import Divergence
from actors.runtime.recorder import model_line
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import Follow

Progress = Callable[[int], None]


class Wanted(msgspec.Struct, frozen=True):
    """What to do: how many executions, chosen by whom and run on what, and when to stop.

    `tables` limits the size of the tables, in program states and steps.
    """

    strategy: str = "portfolio"
    seed: int = 0
    executions: int = 1000
    keep_going: bool = False
    conditions: tuple[str, ...] = ()
    driver: Literal["tables", "trio"] = "tables"
    free: bool = False
    windows: tuple[Window, ...] = ()
    limit: int = STEP_LIMIT
    tables: int = LIMIT


def explore(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    wanted: Wanted,
    *,
    stop: StopRequest = never,
    progress: Progress | None = None,
) -> Exploration:
    """Sample executions until one violates something, or all are done, or `stop` says so.

    `progress` is told how many are done, after each or after a batch. Raises VmraceError for conditions and
    strategies that do not exist, and ModelError where the scenario breaks a rule.
    """
    return _Sampling(scenario, parameters, wanted, stop, progress).run()


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
        self.tally = Tally()
        self._stop = stop
        self._progress = progress
        self._strategy: Strategy | None = None

    def run(self) -> Exploration:
        """Do it."""
        begun = time.perf_counter()
        tally = self.tally
        try:
            if self.wanted.driver == "tables" and not self.wanted.free:
                self._on_tables()
            else:
                trio.run(self._on_trio)
        except Stop:
            tally.stopped = True
        findings = trio.run(self._confirmed)
        return Exploration(
            scenario=self.scenario.name,
            parameters=tuple(self.scenario.as_text(self.parameters).items()),
            model=model_line(self.scenario, self.parameters, self.world),
            wanted=self.wanted.executions,
            executions=tally.done,
            steps=tally.steps,
            seconds=time.perf_counter() - begun,
            sometimes=sometimes(self.world, tally.met),
            findings=findings,
            unreproduced=tuple(tally.unreproduced),
            violations=tally.violations,
            undecided=tally.undecided,
            orders=len(tally.orders) if self.wanted.free else None,
            stopped=tally.stopped,
            note=getattr(self._strategy, "note", None),
        )

    def _on_tables(self) -> None:
        wanted = self.wanted
        runs = OnTables(
            self.world, self.tally, only=self.only, limit=wanted.limit, stop=self._stop, most=wanted.tables
        )
        try:
            self._strategy = runs.make(wanted.strategy, wanted.seed, wanted.windows)
            number = 1
            while number <= wanted.executions and self._go_on():
                after = runs.batch(number, wanted.executions, keep_going=wanted.keep_going)
                if after == number:
                    runs.one(number)
                    after += 1
                number = after
                self._tell(number - 1)
        except BaseException:
            runs.abandon()
            raise
        runs.close()

    async def _on_trio(self) -> None:
        wanted = self.wanted
        runs = OnTrio(self.world, self.tally, only=self.only, limit=wanted.limit, stop=self._stop)
        if not wanted.free:
            self._strategy = make(wanted.strategy, wanted.seed, Setting(windows=wanted.windows))
        async with runs.open() as driver:
            for number in range(1, wanted.executions + 1):
                if not self._go_on():
                    return
                if self._strategy is None:
                    await runs.free(driver, number, wanted.seed)
                else:
                    await runs.controlled(driver, number, self._strategy)
                self._tell(number)

    def _go_on(self) -> bool:
        """Say whether there is anything left to find; raises Stop if somebody asked to."""
        if self.tally.wrong and not self.wanted.keep_going:
            return False
        if self._stop():
            raise Stop
        return True

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done)

    async def _confirmed(self) -> tuple[Finding, ...]:
        found = []
        for sample in self.tally.shortest.values():
            recorded = await self._confirm(sample)
            if recorded is not None:
                found.append(Finding(sample.number, recorded))
        return tuple(found)

    async def _confirm(self, sample: Sample) -> Recorded | None:
        """Run the choices of an execution again in a new world; None if it is not the same execution."""
        try:
            recorded = await execute(
                self.scenario,
                self.parameters,
                Follow(sample.choices),
                only=self.only,
                limit=self.wanted.limit,
            )
        except Divergence as error:
            self.tally.lost(sample.number, sample.names, str(error))
            return None
        if recorded.names != sample.names or len(recorded.record.steps) != sample.steps:
            again = ", ".join(recorded.names) or "nothing violated"
            why = f"{again} after {len(recorded.record.steps)} steps, not {sample.steps}"
            self.tally.lost(sample.number, sample.names, why)
            return None
        return recorded
