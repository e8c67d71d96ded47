"""The state components that are modelled with contents: names and sizes.

Source: SDM volume 1, 13.1 and 13.5; volume 1, 18 for the tiles. Sizes are in bytes.
"""

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA
from protocol.registers import Component

SIZE: dict[int, int] = {Component.TILECFG: 64, Component.TILEDATA: 8192, Component.APX: 64}

MODELLED = TILECFG | TILEDATA | HYPOTHETICAL
"""Mask of the components that have contents here."""


def bits(mask: int) -> tuple[int, ...]:
    """Return the numbers of the bits set in `mask`, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return tuple(found)


def initial(component: int) -> bytes:
    """Return the initial content of a component: zeros for each that is modelled (SDM volume 1, 13.6)."""
    return bytes(SIZE[component])
