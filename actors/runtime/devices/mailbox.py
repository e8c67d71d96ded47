"""A mailbox between programs: messages wait in order, and the receiver waits for messages."""

from typing import Any, Generic, TypeVar, cast

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from protocol.handles import Cell, Program

__plumbing__ = True

T = TypeVar("T")


class Put(msgspec.Struct, frozen=True):
    """Append one value; enabled while there is room."""

    value: Any


class Get(msgspec.Struct, frozen=True):
    """Take the first value; enabled while there is one."""


class Mailbox(Device, Generic[T], frozen=True):
    """A queue of at most `capacity` values, first in, first out. Its cell holds the tuple of them."""

    capacity: int = 1

    @property
    def cell(self) -> Cell:
        """The cell that holds the waiting values."""
        return Cell(self.name)

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name the queue's cell, read and written."""
        del sender, message, read
        return Footprint((self.cell,), (self.cell,), self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Append or take; a full mailbox enables no Put, an empty one no Get."""
        del sender
        waiting = values[self.cell]
        match message:
            case Put(value=value):
                full = len(waiting) >= self.capacity
                return () if full else (Outcome(None, ((self.cell, (*waiting, value)),)),)
            case Get():
                return (Outcome(waiting[0], ((self.cell, waiting[1:]),)),) if waiting else ()
        raise TypeError(f"a mailbox has no message {type(message).__name__}")

    async def put(self, value: T) -> None:
        """Append `value`, waiting for room: one step."""
        await self.send(Put(value))

    async def get(self) -> T:
        """Take the first value, waiting for one: one step."""
        return cast("T", await self.send(Get()))
