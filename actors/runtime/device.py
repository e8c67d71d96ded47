"""Devices: reactive actors that handle one message at a time against named cells.

A device is a frozen Struct: a name and what never changes. Its state is in the world's cells, so a device is
its own handle and can be passed around as a value. For a message it answers two questions, both purely:

* `footprint`: which cells will handling read and write? It may depend on the values of cells that it asks for
  through `read` (a program's placement says which CPU's cell follows); each cell so asked for belongs to the
  footprint's reads.
* `handle`: given the values of the footprint, which outcomes are there? If there is none, the message is not
  enabled now; if there are several, the hardware or the environment chooses.

Whether a message is enabled is thereby read from its footprint alone, never from who else waits.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from actors.runtime.program import Send
from actors.runtime.values import show
from protocol.handles import Cell, Program

Read = Callable[[Cell], Any]
Values = Mapping[Cell, Any]


class Footprint(msgspec.Struct, frozen=True):
    """The cells that handling a message reads and writes, and the name of the actor that does it.

    `when` are pairs of a cell of these and a value: while one holds another value, the message is not enabled,
    and `handle` is not asked. A device need not say so; where many programs wait for one cell, as for a lock, it
    saves asking about each of them for each value.
    """

    reads: tuple[Cell, ...] = ()
    writes: tuple[Cell, ...] = ()
    actor: str = ""
    when: tuple[tuple[Cell, Any], ...] = ()


class Retry(msgspec.Struct, frozen=True):
    """In place of a reply: the device moved and the message stays pending."""


RETRY: Final = Retry()


class Outcome(msgspec.Struct, frozen=True):
    """One way in which handling can go: new values of cells, and the reply (or `RETRY`).

    `label` tells several outcomes of one message apart ("keep", "init").
    """

    reply: Any = None
    writes: tuple[tuple[Cell, Any], ...] = ()
    label: str = ""


Outcomes = tuple[Outcome, ...]

NOT_ENABLED: Final[Outcomes] = ()


class Gate(msgspec.Struct, frozen=True):
    """What messages wait for, whatever they are: shut, it says that none of them is enabled.

    Many programs share a CPU, and one of them runs; a device that has a gate for each is not asked about the others'
    messages one by one. It may look at no cell that is not in their footprints, and `handle` has to have no outcome where it
    is shut; a checked execution compares.
    """

    def is_open(self, read: Read) -> bool:
        """Say whether a message that waits here may be enabled, by the cells that are asked for through `read`."""
        raise NotImplementedError


class Device(msgspec.Struct, frozen=True, cache_hash=True):
    """A reactive actor and its own handle; subclasses give `footprint` and `handle`."""

    name: str

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Return the cells that handling `message` from `sender` touches."""
        raise NotImplementedError

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Return the outcomes of handling `message` on the footprint's values; none if it is not enabled."""
        raise NotImplementedError

    def gate(self, sender: Program, message: Any) -> Gate | None:
        """Return the gate that a message of this sender waits at, if there is one; a device need not have any."""
        del sender, message
        return None

    def describe(self, message: Any) -> str:
        """Return the message as it stands in a chart: `L.acquire`, `x.store 1`."""
        operands = " ".join(show(getattr(message, field)) for field in message.__struct_fields__)
        return f"{self.name}.{type(message).__name__.lower()} {operands}".rstrip()

    def send(self, message: Any) -> Send:
        """Return the awaitable that sends `message` here from the program that awaits it."""
        return Send(self, message)
