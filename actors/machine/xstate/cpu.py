"""A CPU: its description, and what it does where the manual leaves it a choice.

`tracking` says how in-use and modified components are told (SDM volume 1, 13.6):

* `recorded`: as the recorded silicon does, by events. Components that it lacks are tracked by events alike.
* `by_value`: in use if and only if not initial, and no modified optimisation; an emulator's way.
* `architectural`: all that the manual allows, as several outcomes. What holds there holds on every CPU.

`xfd_err`: an XFD-#NM loads XFD_ERR (SDM volume 1, 13.14) or adds to it (the 2021 mail's "additive behaviour"). With one
XFD-capable component the two cannot be told apart. `xfd_set`: setting XFD[i] leaves component i as it is (the mail's
premise), or leaves it undefined: kept or initial (the manual: software should not rely on tile data after setting the bit).
"""

from typing import Literal

import msgspec

from actors.machine.xstate.components import bits
from actors.machine.xstate.description import Description

Tracking = Literal["recorded", "by_value", "architectural"]
XfdErr = Literal["load", "accumulate"]
XfdSet = Literal["keep", "undefined"]


class CpuModel(msgspec.Struct, frozen=True, cache_hash=True):
    """A description and its choices."""

    description: Description
    xfd_err: XfdErr = "load"
    xfd_set: XfdSet = "keep"
    tracking: Tracking = "recorded"

    @property
    def name(self) -> str:
        """The description's name."""
        return self.description.name

    @property
    def xcr0(self) -> int:
        """The bits that XCR0 supports."""
        return self.description.xcr0

    @property
    def xss(self) -> int:
        """The bits that IA32_XSS supports."""
        return self.description.xss

    @property
    def xfd_capable(self) -> int:
        """The bits that IA32_XFD supports."""
        return self.description.xfd_capable

    @property
    def dynamic(self) -> tuple[int, ...]:
        """The XFD-capable components, by number: what Linux calls dynamic features."""
        return bits(self.description.xfd_capable)
