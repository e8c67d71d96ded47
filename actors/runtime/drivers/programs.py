"""Programs as Trio tasks: what the controlled and the free session have in common.

Each program's task steps its coroutine and parks at each message until its reply is there. An error of the
model, or of vmrace itself, is handed to the session's own task, which raises it; no other task ever ends by
an exception. That is why the tasks can live in the driver's nursery, and an execution needs none of its own:
`stop` lets the parked tasks end, and waits for them even while it is cancelled.
"""

from typing import Any, Final

import trio
from trio._core._run import GLOBAL_RUN_CONTEXT
from trio.lowlevel import current_task

from actors.runtime.drivers.actors import Posts
from actors.runtime.drivers.parking import Parking
from actors.runtime.execution import Execution
from actors.runtime.running import Running

SEND_AGAIN: Final = object()
"""In place of a reply: the message was not taken, and a cell that it depends on has changed since."""


class ProgramTasks:
    """The tasks of one execution's programs; subclasses say what follows when one parks."""

    hesitates = False

    def __init__(self, execution: Execution, posts: Posts, nursery: trio.Nursery) -> None:
        self.execution = execution
        self.posts = posts
        self.error: BaseException | None = None
        self.stopping = False
        self._nursery = nursery
        self._tasks: dict[Running, Parking] = {}
        self.owner = Parking()

    def start(self, running: Running) -> None:
        """Give a program its task."""
        parking = self._tasks[running] = Parking()
        self._nursery.start_soon(self._run, running, parking, name=running.name)

    def parked(self, running: Running) -> None:
        """Take note that a program is parked at its message."""
        raise NotImplementedError

    def ended(self, running: Running) -> None:
        """Take note that a program has ended, or its task has."""
        raise NotImplementedError

    async def before_send(self) -> None:
        """Wait in the program's task before its message goes out; asked only of a session that `hesitates`."""

    def resume(self, running: Running, reply: Any) -> None:
        """Let a parked program have its reply and run on, unless its task has been cancelled meanwhile."""
        parking = self._tasks.get(running)
        if parking is not None:
            parking.wake(reply)

    async def _run(self, running: Running, parking: Parking) -> None:
        """Be the program's task."""
        try:
            await self._step(running, parking)
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001  # handed to the session's task, which raises it
            self.failed(error)
        finally:
            del self._tasks[running]
            self.ended(running)
            if self.stopping and not self._tasks:
                self.wake()

    async def _step(self, running: Running, parking: Parking) -> None:
        """Step the program from message to message, parking at each, until it ends."""
        reply, task = None, current_task()
        advanced, park = self.execution.advanced, parking.park
        while not self.stopping:
            if running.failure is None:
                # Whatever the program asks of Trio, it asks outside of any task, and is refused (see `running`).
                del GLOBAL_RUN_CONTEXT.task
                try:
                    running.advance(reply)
                finally:
                    GLOBAL_RUN_CONTEXT.task = task
            advanced(running)
            if running.pending is None:
                break
            reply = SEND_AGAIN
            while reply is SEND_AGAIN:
                if self.hesitates:
                    await self.before_send()
                    if self.stopping:
                        return  # nobody would wake it
                self.parked(running)
                reply = await park()

    def failed(self, error: BaseException) -> None:
        """Keep the first error, for the session's own task to raise."""
        self.error = self.error or error

    async def wait(self) -> None:
        """Park the session's own task until `wake`."""
        await self.owner.park()

    def wake(self) -> None:
        """Wake the session's own task."""
        self.owner.wake()

    async def stop(self) -> None:
        """Let every parked task end, without its program moving, and wait until all have."""
        self.stopping = True
        for parking in self._tasks.values():
            parking.wake()
        with trio.CancelScope(shield=True):
            while self._tasks:
                await self.wait()
