"""A lock with an owner: taking it waits until it is free, and only its owner may release it."""

from types import TracebackType
from typing import Any

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from protocol.handles import Cell, Program

__plumbing__ = True


class Acquire(msgspec.Struct, frozen=True):
    """Take the lock; enabled while nobody holds it."""


class TryAcquire(msgspec.Struct, frozen=True):
    """Take the lock if it is free; the reply says whether it was."""


class Release(msgspec.Struct, frozen=True):
    """Give the lock back."""


class Lock(Device, frozen=True):
    """A lock; `async with lock:` holds it for a block. Its cell holds the owner's name, or None."""

    @property
    def cell(self) -> Cell:
        """The cell that holds the owner's name."""
        return Cell(self.name)

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name the owner's cell, read and written."""
        del sender, read
        cell = self.cell
        return Footprint((cell,), (cell,), self.name, ((cell, None),) if type(message) is Acquire else ())

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Move the owner; releasing another's lock is an error of the program that does it."""
        owner = values[self.cell]
        taken = Outcome(True, ((self.cell, sender.name),))
        match message:
            case Acquire():
                return () if owner is not None else (taken,)
            case TryAcquire():
                return (Outcome(False),) if owner is not None else (taken,)
            case Release():
                if owner != sender.name:
                    raise RuntimeError(
                        f"{sender.name} releases lock {self.name}, held by {owner or 'nobody'}"
                    )
                return (Outcome(None, ((self.cell, None),)),)
        raise TypeError(f"a lock has no message {type(message).__name__}")

    async def acquire(self) -> None:
        """Take the lock, waiting for it: one step."""
        await self.send(Acquire())

    async def try_acquire(self) -> bool:
        """Take the lock if it is free, and say whether: one step."""
        return bool(await self.send(TryAcquire()))

    async def release(self) -> None:
        """Give the lock back: one step."""
        await self.send(Release())

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()
