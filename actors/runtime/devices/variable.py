"""One memory location: plain loads and stores, and the atomic operations that real ones have.

`x += 1` on a variable is two steps, a load and a store, as it is on a CPU without a lock prefix.
Memory is sequentially consistent. All variables are served by one actor, the memory.
"""

from typing import Any, Generic, TypeVar, cast

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from actors.runtime.values import same, show
from protocol.handles import Cell, Program

__plumbing__ = True

T = TypeVar("T")


class Load(msgspec.Struct, frozen=True):
    """Read the location."""


class Store(msgspec.Struct, frozen=True):
    """Write the location."""

    value: Any


class FetchAdd(msgspec.Struct, frozen=True):
    """Add to the location and reply the value before, in one step (LOCK XADD)."""

    amount: int


class FetchOr(msgspec.Struct, frozen=True):
    """Set bits of the location and reply the value before, in one step (LOCK BTS, LOCK OR)."""

    mask: Any


class FetchAnd(msgspec.Struct, frozen=True):
    """Keep these bits of the location alone and reply the value before, in one step (LOCK BTR, LOCK AND)."""

    mask: Any


class Exchange(msgspec.Struct, frozen=True):
    """Write the location and reply the value before, in one step (XCHG)."""

    value: Any


class CompareExchange(msgspec.Struct, frozen=True):
    """Write `new` if the location holds `old`, and reply the value before, in one step (LOCK CMPXCHG)."""

    old: Any
    new: Any


class Await(msgspec.Struct, frozen=True):
    """Wait until the location holds this value."""

    value: Any


class Variable(Device, Generic[T], frozen=True):
    """A memory location that holds one value."""

    @property
    def cell(self) -> Cell:
        """The cell that holds the value."""
        return Cell(self.name)

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name the cell, read by all messages and written by those that store."""
        del sender, read
        cell = self.cell
        if isinstance(message, Await):
            return Footprint((cell,), (), "memory", ((cell, message.value),))
        return Footprint((cell,), () if isinstance(message, Load) else (cell,), "memory")

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Reply the value before the message; a store replies nothing."""
        del sender
        before = values[self.cell]
        match message:
            case Load():
                return (Outcome(before),)
            case Store(value=after):
                return (Outcome(None, ((self.cell, after),)),)
            case FetchAdd(amount=amount):
                return (Outcome(before, ((self.cell, before + amount),)),)
            case FetchOr(mask=mask):
                return (Outcome(before, ((self.cell, before | mask),)),)
            case FetchAnd(mask=mask):
                return (Outcome(before, ((self.cell, before & mask),)),)
            case Exchange(value=after):
                return (Outcome(before, ((self.cell, after),)),)
            case CompareExchange(old=old, new=new):
                return (Outcome(before, ((self.cell, new),) if same(before, old) else ()),)
            case Await(value=wanted):
                return (Outcome(),) if same(before, wanted) else ()
        raise TypeError(f"memory has no message {type(message).__name__}")

    def describe(self, message: Any) -> str:
        """`load x`, `store x 1`, `add x 1`, `or x 0x10`."""
        match message:
            case Load():
                return f"load {self.name}"
            case Store(value=value):
                return f"store {self.name} {show(value)}"
            case FetchAdd(amount=amount):
                return f"add {self.name} {amount}"
            case FetchOr(mask=mask):
                return f"or {self.name} {show(mask)}"
            case FetchAnd(mask=mask):
                return f"and {self.name} {show(mask)}"
            case Exchange(value=value):
                return f"xchg {self.name} {show(value)}"
            case CompareExchange(old=old, new=new):
                return f"cmpxchg {self.name} {show(old)} {show(new)}"
        return f"wait for {self.name} = {show(message.value)}"

    async def load(self) -> T:
        """Read the value: one step."""
        return cast("T", await self.send(Load()))

    async def store(self, value: T) -> None:
        """Write the value: one step."""
        await self.send(Store(value))

    async def fetch_add(self, amount: int) -> T:
        """Add `amount` and return the value before: one step."""
        return cast("T", await self.send(FetchAdd(amount)))

    async def fetch_or(self, mask: T) -> T:
        """Set the bits of `mask` and return the value before: one step."""
        return cast("T", await self.send(FetchOr(mask)))

    async def fetch_and(self, mask: T) -> T:
        """Keep the bits of `mask` alone and return the value before: one step."""
        return cast("T", await self.send(FetchAnd(mask)))

    async def exchange(self, value: T) -> T:
        """Write the value and return the one before: one step."""
        return cast("T", await self.send(Exchange(value)))

    async def compare_exchange(self, old: T, new: T) -> T:
        """Write `new` if the value is `old`, and return the value before: one step."""
        return cast("T", await self.send(CompareExchange(old, new)))

    async def wait_for(self, value: T) -> None:
        """Wait until the value is `value`: one step, taken when it is."""
        await self.send(Await(value))
