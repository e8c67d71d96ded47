"""The free-running session: nobody is parked, and what happened is read from a log.

Programs send their messages to the devices' mailboxes when they get to it, and devices handle them in
the order of arrival; a message that is not enabled waits until a cell of its footprint changes. Each handled
message is appended to the log in the same stretch as it is handled. Outcomes, and how many turns a program
idles before it goes on, are drawn from the seed; Trio's own order is not, so only the log fixes the
execution.

A program that is late only makes fewer messages pending, so every log is a legal controlled schedule. The
verdict of a free run is that of its controlled replay (`FollowLog`): conditions are not looked at here.
"""

import random

import trio

from actors.runtime.device import Retry
from actors.runtime.drivers.actors import Posts
from actors.runtime.drivers.programs import SEND_AGAIN, ProgramTasks
from actors.runtime.execution import Execution
from actors.runtime.running import Running

_MOST_TURNS = 64
"""A program idles for at least k turns of Trio's loop with probability 1/(k+1), and never for longer than this."""


class Free(ProgramTasks):
    """One free-running execution; `log` holds (program, outcome) for each handled message."""

    hesitates = True

    def __init__(self, execution: Execution, posts: Posts, nursery: trio.Nursery, seed: str) -> None:
        super().__init__(execution, posts, nursery)
        self.log: list[tuple[str, int]] = []
        self._random = random.Random(seed)
        # Programs that run, and messages in mailboxes: while there are any, something will happen.
        self._moving = 0
        self._waiting: list[Running] = []
        self._limit = 0

    def start(self, running: Running) -> None:
        """Give a program its task."""
        self._moving += 1
        super().start(running)

    async def before_send(self) -> None:
        """Idle for a while: mostly not at all, sometimes long, so that nobody is always the first."""
        turns = min(int(1 / (1 - self._random.random())), _MOST_TURNS) - 1
        while turns > 0 and not self.stopping:
            turns -= 1
            await trio.lowlevel.checkpoint()

    def parked(self, running: Running) -> None:
        """Send on: its message is on its way to the device."""
        self._send(running)

    def _send(self, running: Running) -> None:
        self.posts[self.execution.footprint(running).actor].put((self, running, 0))

    def ended(self, running: Running) -> None:
        """Take note that a program has ended: others may wait for that."""
        del running
        try:
            self._retry_waiting()
        except BaseException as error:  # noqa: BLE001  # raised by the session's task
            self.failed(error)
        self._one_less()

    def _one_less(self) -> None:
        self._moving -= 1
        if self._moving == 0 or self._over:
            self.wake()

    @property
    def _over(self) -> bool:
        return self.stopping or self.error is not None or self.execution.over

    def deliver(self, actor: str, running: Running, index: int) -> None:
        """Handle the message if it is enabled, in the device's task; else it waits."""
        del index
        if self._over or len(self.log) >= self._limit:
            self._one_less()
            return
        try:
            if self.execution.footprint(running).actor != actor:
                self._send(running)  # the program has moved to another CPU since
                return
            self._handle(running)
        except BaseException as error:  # noqa: BLE001  # raised by the session's task
            self.failed(error)
            self._one_less()

    def _handle(self, running: Running) -> None:
        outcomes = self.execution.outcomes(running)
        if not outcomes:
            self._waiting.append(running)
            self._one_less()
            return
        index = int(self._random.random() * len(outcomes))
        reply = self.execution.handle(running, index)
        self.log.append((running.name, index))
        child = self.execution.spawned(running)
        if child is not None:
            self.start(child)
        self.resume(running, SEND_AGAIN if isinstance(reply, Retry) else reply)
        self._retry_waiting()

    def _retry_waiting(self) -> None:
        """Send again what waits for a cell that has changed."""
        changed = [
            running for running in self._waiting if running.outcomes is None and running.pending is not None
        ]
        for running in changed:
            self._waiting.remove(running)
            self._moving += 1
            self.resume(running, SEND_AGAIN)

    async def run(self, limit: int) -> None:
        """Run until nothing moves, all required have ended, somebody failed, or `limit` is reached."""
        self._limit = limit
        for running in self.execution.create():
            self.start(running)
        while self._moving and not self._over:
            await self.wait()
        if self.error is not None:
            raise self.error
