"""Spawning and joining: the two steps that concern whole programs.

A program's life is a cell: True while it runs, False once it has returned. A spawn writes it, each step of
the program itself may write it (its last one does), and a join reads it. So a join depends on the programs
that it waits for and on nothing else, and no extra step marks a program's end.
"""

from typing import Any, Protocol

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from actors.runtime.errors import ModelError
from actors.runtime.program import Behaviour, Send, current
from protocol.handles import Program

__plumbing__ = True  # where a program stands is never in here, but in what called it


class Spawn(msgspec.Struct, frozen=True):
    """Start a program."""

    child: Program
    function: Behaviour
    args: tuple[Any, ...]
    background: bool

    def by_place(self, parent: str) -> bool:
        """Say whether the child is named by its place among its parent's spawns."""
        return self.child.name[len(parent) + 1 :].isdecimal()


class Spawning(Protocol):
    """A program that spawns, as complaints name it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def steps(self) -> int:
        """How many steps it has taken."""

    def where(self) -> str:
        """Return `file:line` of where it stands."""


def spawn_needs_name(program: Spawning) -> ModelError:
    """Return the error for a spawn behind a `become` or inside a routine, where places are forgotten."""
    return ModelError(
        f"{program.where()}: program {program.name}, after step {program.steps} of it: "
        "a spawn after `become` or in a routine needs a name: spawn(f, ..., name='worker')"
    )


def child_key(parent: tuple[Any, ...], name: str, message: Spawn) -> tuple[Any, ...]:
    """Return a spawned program's place in the default order: behind its parent, by number and then by name."""
    place = message.child.name[len(name) + 1 :]
    step = (0, int(place), "") if place.isdecimal() else (1, 0, place)
    return (message.background, *parent[1:], step)


class Join(msgspec.Struct, frozen=True):
    """Wait until all of these programs have returned."""

    programs: tuple[Program, ...]


class Life(Device, frozen=True):
    """The device that spawns and joins; every world has it."""

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name the lives of the programs in question: written by a spawn, read by a join."""
        del sender, read
        if isinstance(message, Spawn):
            return Footprint(writes=(message.child.life,), actor=self.name)
        lives = tuple(program.life for program in message.programs)
        return Footprint(reads=lives, actor=self.name, when=tuple((life, False) for life in lives))

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Mark the child alive and reply its handle; or reply when all of them have ended."""
        del sender
        if isinstance(message, Spawn):
            return (Outcome(message.child, ((message.child.life, True),)),)
        return () if any(values[program.life] for program in message.programs) else (Outcome(),)

    def describe(self, message: Any) -> str:
        """`spawn a.0` or `join a.0, a.1`."""
        if isinstance(message, Spawn):
            return f"spawn {message.child.name}"
        return f"join {', '.join(program.name for program in message.programs)}"


LIFE = Life("life")


async def spawn(
    function: Behaviour, *args: Any, name: str | None = None, background: bool = False
) -> Program:
    """Start `function(*args)` as a program and return its handle: one step.

    It is named by its parent and its place among the parent's spawns, or by `name`, which a spawn after
    `become` or in a routine must give.
    """
    child = Program(current().new_child(name))
    spawned: Program = await Send(LIFE, Spawn(child, function, args, background))
    return spawned


async def join(*programs: Program) -> None:
    """Wait until all of these programs have returned: one step, and none if there are none."""
    if programs:
        await Send(LIFE, Join(programs))
