"""Devices as Trio tasks: one task and one mailbox for each actor, alive for all executions of a world.

A device's task takes an envelope and handles it in one stretch, without an `await`; that is what makes a step
atomic.
"""

from collections import deque
from typing import Protocol

import trio

from actors.runtime.drivers.parking import Parking
from actors.runtime.running import Running


class Session(Protocol):
    """One execution under way, as the device tasks see it."""

    def deliver(self, actor: str, running: Running, index: int) -> None:
        """Handle the program's pending message, in one stretch; raises nothing."""


Envelope = tuple[Session, Running, int]


class Post:
    """The mailbox of one device's task."""

    __slots__ = ("_parking", "_queue")

    def __init__(self) -> None:
        self._queue: deque[Envelope] = deque()
        self._parking = Parking()

    def put(self, envelope: Envelope) -> None:
        """Append an envelope and wake the device."""
        self._queue.append(envelope)
        self._parking.wake()

    async def serve(self, actor: str) -> None:
        """Be the device's task: handle one envelope after another, for ever."""
        queue, park = self._queue, self._parking.park
        while True:
            while queue:
                session, running, index = queue.popleft()
                session.deliver(actor, running, index)
            await park()


class Posts(dict[str, Post]):
    """The mailboxes of one world's devices, by actor; each task is started when first written to."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__()
        self._nursery = nursery

    def __missing__(self, actor: str) -> Post:
        post = self[actor] = Post()
        self._nursery.start_soon(post.serve, actor, name=f"device {actor}")
        return post
