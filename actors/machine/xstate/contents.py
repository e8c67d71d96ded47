"""Contents that are not simply loaded: what XRSTOR and XRSTORS make of a component's bytes, and which they refuse.

* x87: `x87.load`. TILECFG: an image that LDTILECFG would refuse initialises it, without a fault (SDM volume 1, 13.5.14; the
  emulator does the same). PKRU: the first four bytes; the rest of the component is not read (13.5.7).
* CET_U, CET_S: values that WRMSR would refuse are #GP (13.5.9). XRSTORS alone loads them.

Of PT, PASID, HDC, UINTR, LBR and HWP state no value is refused and nothing happens beside the transfer: reserved bits of these
MSRs, and what loading TraceEn, UINV or HWP state brings about, is not modelled.
"""

import functools
from collections.abc import Callable

from actors.machine.xstate import cet, tile_config
from actors.machine.xstate.components import ZEROS
from protocol.registers import Component

SUPERVISED = 1 << Component.CET_U | 1 << Component.CET_S
"""Components of which some values are refused."""

_PKRU_BYTES = 4


def _pkru(piece: bytes) -> bytes:
    padding = ZEROS[len(piece) - _PKRU_BYTES]
    return piece if piece[_PKRU_BYTES:] == padding else piece[:_PKRU_BYTES] + padding


LOADED: dict[int, Callable[[bytes], bytes]] = {Component.TILECFG: tile_config.loaded, Component.PKRU: _pkru}
"""Component to the content that its bytes are loaded as; a component that is not here holds what it was given."""


@functools.lru_cache(maxsize=1 << 12)
def kept(number: int, piece: bytes) -> bool:
    """Say whether a component holds exactly these bytes once they are loaded."""
    return number not in LOADED or LOADED[number](piece) == piece


@functools.lru_cache(maxsize=1 << 12)
def refuses(number: int, piece: bytes, linear_bits: int) -> str | None:
    """Return why these bytes of a supervisor component are #GP, or None."""
    for msr, at in cet.FIELDS[number].items():
        why = cet.refuses(msr, int.from_bytes(piece[at : at + 8], "little"), linear_bits)
        if why is not None:
            return why
    return None
