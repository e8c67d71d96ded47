"""From a token back to its execution, on Trio, or a refusal that says where the two part.

A scenario or a model that was edited since may still offer the recorded choices, and lead somewhere else. So
the rolling digest is compared on the way, and the length and the whole digest at the end. A byte of the
rolling digest lets one divergence in 256 pass at one place; the next places and the whole digest catch it.
"""

from collections.abc import Mapping
from typing import Any

import trio

from actors.explore.recording import execute
from actors.explore.results import Recorded
from actors.explore.selection import at_places
from actors.explore.stopping import Stoppable, StopRequest, never
from actors.explore.token import choices_of
from actors.runtime.errors import Divergence
from actors.runtime.execution import Execution
from actors.runtime.recorder import Recorder
from actors.runtime.running import Running
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import Follow
from protocol.tokens import TokenBody

_DIFFERENT = "what happens there is not what was recorded"


class Retrace(Follow):
    """Follows a token's choices and compares what happens with its digests; raises Divergence."""

    def __init__(self, body: TokenBody, recorder: Recorder) -> None:
        super().__init__(choices_of(body))
        self._body = body
        self._rolling = recorder.digest.rolling
        self._agreed = 0  # steps up to which the rolling digest was found the same

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Return the recorded one, if everything up to here was as recorded."""
        self.compare()
        if execution.steps >= self._body.steps:
            raise self.parted("the token's execution has ended, and this one goes on")
        try:
            return super().program(execution, enabled)
        except Divergence as error:
            raise self.parted(str(error)) from None

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Return the recorded one, if there is one of that number."""
        try:
            return super().outcome(execution, running, count)
        except Divergence as error:
            raise self.parted(str(error)) from None

    def compare(self) -> None:
        """Compare the steps since the last comparison; raises Divergence."""
        every = self._body.every
        while self._agreed + every <= min(len(self._rolling), self._body.steps):
            end = self._agreed + every
            if self._rolling[end - 1] != self._body.rolling[end // every - 1]:
                raise self.parted(_DIFFERENT, end)
            self._agreed = end

    def compare_end(self, recorded: Recorded) -> None:
        """Compare what is left, the length and the whole digest; raises Divergence."""
        self.compare()
        steps = len(recorded.rolling)
        if steps != self._body.steps:
            raise self.parted(f"it ends after step {steps}, and the token has {self._body.steps}")
        if recorded.digest != self._body.digest:
            self._agreed = min(self._agreed, steps - 1)  # the last byte agreed by chance
            raise self.parted(_DIFFERENT, steps)

    def parted(self, why: str, end: int | None = None) -> Divergence:
        """Return the error that says between which steps the executions part: by `end`, or by now."""
        last = end if end is not None else len(self._rolling) + 1
        first = self._agreed + 1
        where = f"at step {last}" if first == last else f"between steps {first} and {last}"
        return Divergence(
            f"the token diverges {where}: {why}; the scenario or vmrace has changed since it was made"
        )


async def follow(
    scenario: Scenario, parameters: Mapping[str, Any], body: TokenBody, stop: StopRequest = never
) -> Recorded:
    """Run a token's execution again, recorded; raises Divergence where it parts from the token."""
    recorder = Recorder()
    retrace = Retrace(body, recorder)
    only = at_places(scenario(**parameters), body.only)
    limit = body.steps + 1  # never reached: the retrace objects first
    recorded = await execute(
        scenario, parameters, Stoppable(retrace, stop), only=only, recorder=recorder, limit=limit
    )
    retrace.compare_end(recorded)
    return recorded


def replay(scenario: Scenario, body: TokenBody, stop: StopRequest = never) -> Recorded:
    """Run a token's execution again.

    Raises Divergence where it parts from the token, VmraceError for parameters that the scenario does not
    have, and Stop if somebody asked to.
    """
    parameters = scenario.convert(dict(body.parameters))
    return trio.run(follow, scenario, parameters, body, stop)
