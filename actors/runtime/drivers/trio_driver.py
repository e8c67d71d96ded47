"""The Trio driver: runs executions of one world, any number of them in one `trio.run`.

    async with open_driver(world) as driver:
        execution = await driver.run(chooser)

The devices' tasks live as long as the driver; an execution's programs are tasks in the same nursery, and it
leaves no task, no open coroutine and no state behind, however it ends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from actors.runtime.answers import Answers
from actors.runtime.determinism import check_programs
from actors.runtime.drivers.actors import Posts
from actors.runtime.drivers.controlled import Controlled
from actors.runtime.drivers.free import Free
from actors.runtime.drivers.programs import ProgramTasks
from actors.runtime.execution import Execution, Observer
from actors.runtime.schedule import Chooser
from actors.runtime.world import World

STEP_LIMIT = 10_000
"""Steps after which an execution ends undecided, unless another limit is given."""


class TrioDriver:
    """Runs executions of one world; made by `open_driver`."""

    def __init__(self, world: World, nursery: trio.Nursery) -> None:
        self.world = world
        self._nursery = nursery
        self._posts = Posts(nursery)
        self._answers = Answers()

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
        execution = Execution(
            self.world, checked=checked, only=only, observer=observer, answers=self._answers
        )
        session = Controlled(execution, self._posts, self._nursery)
        async with _ended(session):
            await session.run(chooser, limit)
        if checked:
            check_programs(execution)
        return execution

    async def run_free(
        self, seed: str, *, limit: int = STEP_LIMIT, observer: Observer | None = None
    ) -> list[tuple[str, int]]:
        """Run one free-running execution and return its log of (program, outcome)."""
        execution = Execution(self.world, observer=observer, answers=self._answers)
        session = Free(execution, self._posts, self._nursery, seed)
        async with _ended(session):
            await session.run(limit)
        return session.log


@asynccontextmanager
async def _ended(session: ProgramTasks) -> AsyncIterator[None]:
    """End a session's tasks and programs afterwards; an error of the block counts for more."""
    try:
        yield
    except BaseException:
        await session.stop()
        session.execution.abandon()
        raise
    await session.stop()
    session.execution.close()


@asynccontextmanager
async def open_driver(world: World) -> AsyncIterator[TrioDriver]:
    """Start the devices' tasks of `world`, and end them afterwards.

    What the block raises comes out as itself, never in a group: no other task of the nursery ends by an
    exception, but for Ctrl-C, which may arrive in any of them.
    """
    raised: BaseException | None = None
    ended = False
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield TrioDriver(world, nursery)
            except trio.Cancelled:
                raise
            except BaseException as error:  # noqa: BLE001  # raised below, outside the nursery
                raised = error
            ended = True
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raised = KeyboardInterrupt()
    if raised is not None:
        raise raised
    if not ended:  # a Cancelled came out of a task and was taken for the nursery's own: nothing would say so
        raise RuntimeError("a task of the driver was cancelled, and by nobody that may")
