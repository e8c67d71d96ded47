"""The controlled session: one message at a time, in the order that a chooser gives.

Trio's own scheduler is no use here: its deterministic mode shuffles one batch of runnable tasks, so it can
neither starve a program nor run one twice in a row, and misses every bug that needs that. So everybody is
parked, and exactly one is released:

    this task --envelope--> device's task --reply--> program's task --parked at its next message--> this task

A step is over when the program has sent its next message or ended, and all programs that it spawned are
parked. It costs those three switches of tasks, and what the model itself does.
"""

import trio

from actors.runtime.device import Retry
from actors.runtime.drivers.actors import Posts
from actors.runtime.drivers.programs import ProgramTasks
from actors.runtime.execution import Execution
from actors.runtime.running import Running
from actors.runtime.schedule import Chooser


class Controlled(ProgramTasks):
    """One controlled execution."""

    def __init__(self, execution: Execution, posts: Posts, nursery: trio.Nursery) -> None:
        super().__init__(execution, posts, nursery)
        self._busy = 0  # programs that are not parked yet: the step lasts until there are none

    def start(self, running: Running) -> None:
        """Give a program its task; the step lasts until it is parked."""
        self._busy += 1
        super().start(running)

    def parked(self, running: Running) -> None:
        """Count one less to wait for."""
        del running
        self._busy -= 1
        if self._busy <= 0:
            self.owner.wake()

    ended = parked

    def deliver(self, actor: str, running: Running, index: int) -> None:
        """Handle the message in the device's task, and let the program have the reply."""
        del actor
        if self.stopping:
            return
        execution = self.execution
        try:
            reply = execution.handle(running, index)
            child = execution.spawned(running)
        except BaseException as error:  # noqa: BLE001  # raised by the session's task
            self.failed(error)
            self.wake()
            return
        if child is not None:
            self.start(child)
        if type(reply) is Retry:
            self.parked(running)
        else:
            self.resume(running, reply)

    async def run(self, chooser: Chooser, limit: int) -> None:
        """Run to the end, or for at most `limit` steps."""
        execution = self.execution
        for running in execution.create():
            self.start(running)
        if self._busy:
            await self.wait()
        self._settle(limit)
        park, posts = self.owner.park, self.posts
        while execution.ending is None:
            enabled = execution.enabled()
            if not enabled:
                execution.deadlock()
                break
            choice = chooser.program(execution, enabled)
            execution.choices.append(choice)
            running = enabled[choice]
            count = len(running.outcomes or execution.outcomes(running))
            index = 0
            if count > 1:
                index = chooser.outcome(execution, running, count)
                execution.choices.append(index)
            self._busy = 1
            posts[execution.footprint(running).actor].put((self, running, index))
            await park()
            self._settle(limit)

    def _settle(self, limit: int) -> None:
        if self.error is not None:
            raise self.error
        self.execution.settle(limit=limit)
