"""Programs as Trio tasks: what the controlled and the free session have in common.

Each program's task steps its coroutine and parks at each message until its reply is there. An error of the model, or of
vmrace itself, is handed to the session's own task, which raises it; no other task ever ends by an exception. A cancelled
session closes the programs on its way out.
"""

from typing import Any

import trio
from trio.lowlevel import Task, current_task, reschedule, wait_task_rescheduled

from actors.runtime.drivers.actors import Actors, abortable
from actors.runtime.execution import Execution
from actors.runtime.running import Running


class ProgramTasks:
    """The tasks of one execution's programs; subclasses say what follows when one parks."""

    def __init__(self, execution: Execution, actors: Actors, nursery: trio.Nursery) -> None:
        self.execution = execution
        self.actors = actors
        self.error: BaseException | None = None
        self._nursery = nursery
        self._tasks: dict[Running, Task] = {}
        self._replies: dict[Running, Any] = {}
        self._stopping = False
        self._owner: Task | None = None

    def start(self, running: Running) -> None:
        """Give a program its task."""
        self._nursery.start_soon(self._run, running, name=f"program {running.name}")

    def parked(self, running: Running) -> None:
        """A program is parked at its message."""
        raise NotImplementedError

    def ended(self, running: Running) -> None:
        """A program has ended."""
        raise NotImplementedError

    async def before_advance(self) -> None:
        """Called in the program's task before it runs on."""

    def resume(self, running: Running, reply: Any) -> None:
        """Let a parked program have its reply and run on."""
        self._replies[running] = reply
        reschedule(self._tasks.pop(running))

    async def _run(self, running: Running) -> None:
        reply = None
        try:
            while not self._stopping:
                await self.before_advance()
                if running.failure is None:
                    running.advance(reply)
                self.execution.advanced(running)
                if running.pending is None:
                    break
                self._tasks[running] = current_task()
                self.parked(running)
                await wait_task_rescheduled(abortable)
                reply = self._replies.pop(running, None)
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001  # handed to the session's task, which raises it
            self.error = error
        finally:
            self._tasks.pop(running, None)
            self.ended(running)

    async def wait(self) -> None:
        """Park the session's own task until `wake`."""
        self._owner = current_task()
        try:
            await wait_task_rescheduled(abortable)
        finally:
            self._owner = None

    def wake(self) -> None:
        """Wake the session's own task."""
        owner, self._owner = self._owner, None
        if owner is not None:
            reschedule(owner)

    def stop(self) -> None:
        """Let every parked task end, without its program moving."""
        self._stopping = True
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            reschedule(task)
