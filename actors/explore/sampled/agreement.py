"""The drivers' agreement, checked on the way: what happened on tables, run again on Trio and compared.

A property test says that they agree; this says so of the very world that is explored, and checks on Trio what
only a checked execution sees. A difference is a bug in vmrace, or a program that is not deterministic.
"""

from typing import Any

from actors.explore.sampled.rows import Rows
from actors.explore.stopping import Stoppable, StopRequest
from actors.runtime.device import Outcome
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.errors import Divergence
from actors.runtime.execution import Execution
from actors.runtime.running import Running
from actors.runtime.schedule import Follow
from actors.runtime.values import typed
from actors.runtime.world import World
from protocol.handles import Cell

MOST_STEPS = 2_000
"""Steps of an execution that are run again on Trio."""

Happened = tuple[str, str, object, str, object]


class Watched:
    """An observer that writes down what happened at each step."""

    def __init__(self) -> None:
        self.steps: list[Happened] = []

    def handled(
        self, execution: Execution, running: Running, before: dict[Cell, Any], outcome: Outcome
    ) -> None:
        """Write down a step."""
        del execution, before
        request = running.pending
        assert request is not None
        reply = None if outcome.label.startswith("raised ") else typed(outcome.reply)
        self.steps.append((running.name, request.to.name, typed(request.message), outcome.label, reply))

    def settled(self, execution: Execution) -> None:
        """Nothing to write down."""


def happened(rows: Rows) -> list[Happened]:
    """Return what happened at each step of the last execution on tables."""
    found: list[Happened] = []
    for offer, move in rows.path:
        request = offer.node.pending
        assert request is not None
        found.append((offer.program, request.to.name, typed(request.message), move.label, typed(move.reply)))
    return found


async def difference(
    world: World, rows: Rows, *, only: frozenset[str] | None, limit: int, stop: StopRequest
) -> str | None:
    """Run the last execution on tables again on Trio, checked; say in what it is another one, if it is."""
    watched = Watched()
    async with open_driver(world) as driver:
        try:
            execution = await driver.run(
                Stoppable(Follow(rows.choices), stop),
                limit=min(limit, MOST_STEPS),
                checked=True,
                only=only,
                observer=watched,
            )
        except Divergence as error:
            return f"on Trio {error}"
    for number, (here, there) in enumerate(zip(happened(rows), watched.steps, strict=False), 1):
        if here != there:
            return f"at step {number} the drivers differ: {here} on tables, {there} on Trio"
    if rows.steps > MOST_STEPS:
        return None
    names = execution.violation.names if execution.violation is not None else ()
    mine = (rows.steps, rows.ending, rows.violated, rows.met)
    theirs = (execution.steps, execution.ending, names, execution.met)
    return None if mine == theirs else f"the drivers end differently: {mine} on tables, {theirs} on Trio"
