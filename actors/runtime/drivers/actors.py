"""Devices as Trio tasks: one task and one mailbox for each actor, alive for all executions of a world.

Trio's memory channels cost two checkpoints a message; a parked task and a deque do the same with one switch. A device's task
takes an envelope and handles it in one stretch, without an `await`; that is what makes a step atomic.
"""

from collections import deque
from typing import Protocol

import trio
from trio.lowlevel import Abort, RaiseCancelT, Task, current_task, reschedule, wait_task_rescheduled

from actors.runtime.running import Running


def abortable(_: RaiseCancelT) -> Abort:
    """Let a cancelled task out of where it is parked: nothing has to be undone."""
    return Abort.SUCCEEDED


class Session(Protocol):
    """One execution under way, as the device tasks see it."""

    def deliver(self, actor: str, running: Running, index: int) -> None:
        """Handle the program's pending message, in one stretch."""


Envelope = tuple[Session, Running, int]


class Post:
    """The mailbox of one device's task."""

    __slots__ = ("_queue", "_reader")

    def __init__(self) -> None:
        self._queue: deque[Envelope] = deque()
        self._reader: Task | None = None

    def put(self, envelope: Envelope) -> None:
        """Append an envelope and wake the device."""
        self._queue.append(envelope)
        reader, self._reader = self._reader, None
        if reader is not None:
            reschedule(reader)

    async def get(self) -> Envelope:
        """Wait for the first envelope."""
        while not self._queue:
            self._reader = current_task()
            try:
                await wait_task_rescheduled(abortable)
            finally:
                self._reader = None
        return self._queue.popleft()


class Actors:
    """The devices' tasks of one world, started when first written to, in a nursery of the driver."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._posts: dict[str, Post] = {}

    def post(self, actor: str) -> Post:
        """Return the mailbox of that actor."""
        post = self._posts.get(actor)
        if post is None:
            post = self._posts[actor] = Post()
            self._nursery.start_soon(self._serve, actor, post, name=f"device {actor}")
        return post

    @staticmethod
    async def _serve(actor: str, post: Post) -> None:
        while True:
            session, running, index = await post.get()
            session.deliver(actor, running, index)
