"""One execution, run and written down: what `run` narrates, and what a finding is confirmed by.

The world is built anew from the scenario, so that nothing of an earlier execution can be in it.
"""

from collections.abc import Mapping
from typing import Any

import trio

from actors.explore.packing import pack
from actors.explore.results import Recorded
from actors.explore.selection import places, sometimes
from actors.explore.stopping import Stop, Stoppable, StopRequest, never
from actors.explore.token import encode, every_for
from actors.runtime.drivers.trio_driver import STEP_LIMIT, open_driver
from actors.runtime.execution import Execution
from actors.runtime.recorder import Recorder, record
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import Chooser
from protocol.tokens import TokenBody


async def execute(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    chooser: Chooser,
    *,
    only: frozenset[str] | None = None,
    recorder: Recorder | None = None,
    limit: int = STEP_LIMIT,
) -> Recorded:
    """Run one execution, checked, in a new world, and write it down."""
    recorder = recorder or Recorder()
    async with open_driver(scenario(**parameters)) as driver:
        execution = await driver.run(chooser, limit=limit, checked=True, only=only, observer=recorder)
    undecided = execution.ending != "finished" and execution.violation is None
    return Recorded(
        record=record(scenario, parameters, execution, recorder),
        token="" if undecided else _token(scenario, parameters, execution, recorder, only),
        digest=recorder.digest.value,
        rolling=bytes(recorder.digest.rolling),
        sometimes=sometimes(execution.world, execution.met),
        undecided=undecided,
    )


def _token(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    execution: Execution,
    recorder: Recorder,
    only: frozenset[str] | None,
) -> str:
    every = every_for(execution.steps)
    return encode(
        TokenBody(
            scenario=scenario.name,
            parameters=scenario.changed(parameters),
            choices=pack(execution.choices),
            steps=execution.steps,
            digest=recorder.digest.value,
            every=every,
            rolling=bytes(recorder.digest.rolling[every - 1 :: every]),
            only=places(execution.world, only),
        )
    )


def run_once(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    *,
    seed: int = 0,
    stop: StopRequest = never,
    limit: int = STEP_LIMIT,
) -> Recorded | None:
    """Run the first execution of the random walk under this seed; None if somebody asked to stop."""
    from actors.explore.sampled.coroutines import Chosen  # noqa: PLC0415  # a finding that is confirmed needs neither
    from actors.explore.strategies.random_walk import RandomWalk  # noqa: PLC0415

    chooser = Stoppable(Chosen(RandomWalk(seed)), stop)

    async def main() -> Recorded | None:
        try:
            return await execute(scenario, parameters, chooser, limit=limit)
        except Stop:
            return None

    return trio.run(main)
