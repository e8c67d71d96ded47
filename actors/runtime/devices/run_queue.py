"""A run queue: programs that could run, and a choice of the next one.

Which waiting program comes next is an outcome: a scheduler's policy is not what a proof should lean on. A
queue that is `fifo` takes the first instead.
"""

from typing import Any, cast

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from protocol.handles import Cell, Program

__plumbing__ = True


class Add(msgspec.Struct, frozen=True):
    """Make a program runnable here."""

    program: Program


class Pick(msgspec.Struct, frozen=True):
    """Take a program out; where none waits, reply None, or with `wait` wait for one."""

    wait: bool = False


class WaitForOne(msgspec.Struct, frozen=True):
    """Wait until a program waits here; it stays where it is."""


class Move(msgspec.Struct, frozen=True):
    """Take a waiting program from this queue to another; enabled while one waits here that may move."""

    to: Cell
    movable: tuple[Program, ...]


class RunQueue(Device, frozen=True):
    """Runnable programs. Its cell holds the tuple of their handles, in the order of their arrival."""

    fifo: bool = False

    @property
    def cell(self) -> Cell:
        """The cell that holds the waiting programs."""
        return Cell(self.name)

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name the queue's cell, read and written; that of the other queue for a move."""
        del sender, read
        cells = (self.cell, message.to) if isinstance(message, Move) else (self.cell,)
        return Footprint(cells, cells, self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Add one, or take one: an outcome for each that could be taken."""
        del sender
        waiting: tuple[Program, ...] = values[self.cell]
        match message:
            case Add(program=program):
                return (Outcome(None, ((self.cell, (*waiting, program)),)),)
            case Pick(wait=wait):
                if not waiting:
                    return () if wait else (Outcome(),)
                candidates = waiting[:1] if self.fifo else waiting
                return tuple(self._taken(waiting, chosen) for chosen in candidates)
            case WaitForOne():
                return (Outcome(),) if waiting else ()
            case Move(to=to, movable=movable):
                return tuple(
                    Outcome(
                        moved, ((self.cell, _without(waiting, moved)), (to, (*values[to], moved))), moved.name
                    )
                    for moved in waiting
                    if moved in movable
                )
        raise TypeError(f"a run queue has no message {type(message).__name__}")

    def _taken(self, waiting: tuple[Program, ...], chosen: Program) -> Outcome:
        return Outcome(chosen, ((self.cell, _without(waiting, chosen)),), chosen.name)

    def describe(self, message: Any) -> str:
        """`enqueue task`, `pick from runqueue`, `wait on runqueue`, `move from runqueue to other`."""
        match message:
            case Add(program=program):
                return f"enqueue {program.name} on {self.name}"
            case Move(to=to):
                return f"move from {self.name} to {to.name}"
            case WaitForOne():
                return f"wait on {self.name}"
        return f"pick from {self.name}"

    async def add(self, program: Program) -> None:
        """Make `program` runnable: one step."""
        await self.send(Add(program))

    async def pick(self) -> Program | None:
        """Take one of the runnable programs, or None: one step."""
        return cast("Program | None", await self.send(Pick()))

    async def pick_wait(self) -> Program:
        """Take one of the runnable programs, waiting for one: one step."""
        return cast("Program", await self.send(Pick(wait=True)))


def _without(waiting: tuple[Program, ...], chosen: Program) -> tuple[Program, ...]:
    at = waiting.index(chosen)
    return waiting[:at] + waiting[at + 1 :]
