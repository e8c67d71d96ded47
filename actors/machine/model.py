"""Which CPU is modelled: what it has, and what it does where the manual and the 2021 mail differ.

`xfd_err`: an XFD-#NM loads XFD_ERR (SDM volume 1, 13.14) or adds to it (the mail's "additive behaviour"). With one XFD-capable
component the two cannot be told apart.
`xfd_set`: setting XFD[i] leaves component i as it is (the mail's premise), or leaves it undefined: kept or initial (the
manual: software should not rely on tile data after setting the bit).
"""

from typing import Literal

import msgspec

from actors.runtime.errors import VmraceError
from protocol.registers import Component

CpuName = Literal["emerald_rapids", "sapphire_rapids", "mail_2021"]
XfdErr = Literal["load", "accumulate"]
XfdSet = Literal["keep", "undefined"]

TILECFG = 1 << Component.TILECFG
TILEDATA = 1 << Component.TILEDATA
HYPOTHETICAL = 1 << Component.APX
"""Bit 19 as an XFD-capable component: the one that the mail supposes "at some day"."""

_X87_TO_ZMM = 0xE7
_AMX = TILECFG | TILEDATA


class CpuModel(msgspec.Struct, frozen=True, cache_hash=True):
    """A CPU: bit masks of the components that XCR0, XSS and XFD support, and its choices."""

    name: str
    xcr0: int
    xss: int
    xfd_capable: int
    xfd_err: XfdErr = "load"
    xfd_set: XfdSet = "keep"

    @property
    def dynamic(self) -> tuple[int, ...]:
        """The XFD-capable components, by number: what Linux calls dynamic features."""
        return tuple(bit for bit in range(64) if self.xfd_capable >> bit & 1)


PRESETS: dict[str, CpuModel] = {
    "emerald_rapids": CpuModel("emerald_rapids", _X87_TO_ZMM, 0, 0),
    "sapphire_rapids": CpuModel("sapphire_rapids", _X87_TO_ZMM | _AMX, 0, TILEDATA),
    "mail_2021": CpuModel("mail_2021", _X87_TO_ZMM | _AMX | HYPOTHETICAL, 0, TILEDATA | HYPOTHETICAL),
}


def cpu_model(name: CpuName, xfd_err: XfdErr = "load", xfd_set: XfdSet = "keep") -> CpuModel:
    """Return the preset of that name with these choices; raises VmraceError if there is none."""
    if name not in PRESETS:
        raise VmraceError(f"no CPU is called {name!r}; there are {', '.join(PRESETS)}")
    return msgspec.structs.replace(PRESETS[name], xfd_err=xfd_err, xfd_set=xfd_set)
