"""A choice that nobody in the model makes: the environment's, explored like any other."""

from typing import Any, cast

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from protocol.handles import Program

__plumbing__ = True


class Choose(msgspec.Struct, frozen=True):
    """Ask for one of these."""

    options: tuple[Any, ...]


class Choice(Device, frozen=True):
    """A source of choices. It has no cell: what is chosen is known to the asker alone."""

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Name no cells."""
        del sender, message, read
        return Footprint(actor=self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Reply one of the options, each an outcome."""
        del sender, values
        return tuple(Outcome(option, label=str(option)) for option in message.options)

    async def choose(self, *options: Any) -> Any:
        """Return one of the options, whichever the schedule says: one step."""
        return cast("Any", await self.send(Choose(options)))
