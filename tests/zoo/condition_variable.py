"""A condition variable, for the zoo: sleepers, and signals that wake one or all of them.

Shapes import it as their neighbour, as a user's own file would: `from condition_variable import ...`.
"""

from typing import Any

import msgspec

from actors.runtime import Cell, Device, Footprint, Lock, Outcome, Outcomes, Program, Read, Values, World

__plumbing__ = True


class Sleep(msgspec.Struct, frozen=True):
    """Give the lock back and sleep, in one step."""

    lock: Lock


class Resume(msgspec.Struct, frozen=True):
    """Take the lock again; enabled once somebody has signalled, while nobody holds the lock."""

    lock: Lock


class Signal(msgspec.Struct, frozen=True):
    """Wake one sleeper, if there is one; which one is an outcome. Or all."""

    all: bool = False


class ConditionVariable(Device, frozen=True):
    """A condition variable. Its cell holds the names of the sleepers."""

    @property
    def cell(self) -> Cell:
        """The cell that holds the sleepers' names."""
        return Cell(self.name)

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name the sleepers, and the lock for those who go to sleep and come back."""
        del sender, read
        cells = (self.cell,) if isinstance(message, Signal) else (self.cell, message.lock.cell)
        return Footprint(cells, cells, self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Sleep, come back, or wake somebody."""
        asleep: tuple[str, ...] = values[self.cell]
        match message:
            case Sleep(lock=lock):
                assert values[lock.cell] == sender.name, "it sleeps without holding the lock"
                return (
                    Outcome(None, ((self.cell, tuple(sorted((*asleep, sender.name)))), (lock.cell, None))),
                )
            case Resume(lock=lock):
                if sender.name in asleep or values[lock.cell] is not None:
                    return ()
                return (Outcome(None, ((lock.cell, sender.name),)),)
            case Signal(all=True):
                return (Outcome(None, ((self.cell, ()),)),)
        woken = (tuple(name for name in asleep if name != one) for one in asleep)
        return tuple(
            Outcome(None, ((self.cell, rest),), one) for one, rest in zip(asleep, woken, strict=True)
        ) or (Outcome(),)

    def describe(self, message: Any) -> str:
        """`sleep on c`, `wake up on c`, `signal c`."""
        words = {Sleep: "sleep on", Resume: "wake up on"}
        return f"{words.get(type(message), 'signal')} {self.name}"

    async def wait(self, lock: Lock) -> None:
        """Give the lock back, sleep until somebody signals, and take it again: two steps."""
        await self.send(Sleep(lock))
        await self.send(Resume(lock))

    async def signal(self) -> None:
        """Wake one sleeper, if there is one: one step."""
        await self.send(Signal())


def condition_variable(world: World, name: str) -> ConditionVariable:
    """Add a condition variable on which nobody sleeps."""
    made = ConditionVariable(name)
    world.cell(made.cell, ())
    return made
