"""The Trio driver: runs executions of one world, any number of them in one `trio.run`.

    async with open_driver(world) as driver:
        execution = await driver.run(chooser)

The devices' tasks live as long as the driver; each execution has a nursery of its own for its programs, and leaves no task,
no open coroutine and no state behind, however it ends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from actors.runtime.determinism import check_programs
from actors.runtime.drivers.actors import Actors
from actors.runtime.drivers.controlled import Controlled
from actors.runtime.drivers.free import Free
from actors.runtime.execution import Execution, Observer
from actors.runtime.schedule import Chooser
from actors.runtime.world import World

STEP_LIMIT = 10_000
"""Steps after which an execution ends undecided, unless another limit is given."""


class TrioDriver:
    """Runs executions of one world; made by `open_driver`."""

    def __init__(self, world: World, nursery: trio.Nursery) -> None:
        self.world = world
        self._actors = Actors(nursery)

    async def run(
        self,
        chooser: Chooser,
        *,
        limit: int = STEP_LIMIT,
        checked: bool = False,
        only: frozenset[str] | None = None,
        observer: Observer | None = None,
    ) -> Execution:
        """Run one controlled execution to its end.

        Raises ModelError where the world breaks a rule, and Divergence where the chooser does.
        """
        execution = Execution(self.world, checked=checked, only=only, observer=observer)
        async with _programs() as nursery:
            session = Controlled(execution, self._actors, nursery)
            try:
                await session.run(chooser, limit)
            finally:
                session.stop()
                execution.close()
        if checked:
            check_programs(execution)
        return execution

    async def run_free(self, seed: str, *, limit: int = STEP_LIMIT, observer: Observer | None = None) -> list[tuple[str, int]]:
        """Run one free-running execution and return its log of (program, outcome)."""
        execution = Execution(self.world, observer=observer)
        async with _programs() as nursery:
            session = Free(execution, self._actors, nursery, seed)
            try:
                await session.run(limit)
            finally:
                session.stop()
                nursery.cancel_scope.cancel()
                execution.close()
        return session.log


@asynccontextmanager
async def _programs() -> AsyncIterator[trio.Nursery]:
    """Open a nursery whose only exceptions are those of the block itself, unwrapped."""
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001  # raised below, outside the nursery, as itself
            raised = error
    if raised is not None:
        raise raised


@asynccontextmanager
async def open_driver(world: World) -> AsyncIterator[TrioDriver]:
    """Start the devices' tasks of `world`, and end them afterwards."""
    async with _programs() as nursery:
        try:
            yield TrioDriver(world, nursery)
        finally:
            nursery.cancel_scope.cancel()
