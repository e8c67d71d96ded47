"""Contents that are not simply loaded: what XRSTOR and XRSTORS make of a component's bytes, and which they refuse.

* x87: `x87.load`. TILECFG: an image that LDTILECFG would refuse initialises it, without a fault (SDM volume 1, 13.5.14; the
  emulator does the same). PKRU: the first four bytes; the rest of the component is not read (13.5.7).
* CET_U, CET_S: values that WRMSR would refuse are #GP (13.5.9). XRSTORS alone loads them.

The other supervisor components are plain: any bytes are loaded, and nothing happens beside the transfer. The manual has
more, none of which is modelled: reserved bits and bytes are #GP (13.12); XSAVES clears IA32_RTIT_CTL.TraceEn and UINV once it
has saved them, and XRSTORS is #GP while either is set (13.5.6, 13.5.11); addresses in UINTR state have to be canonical;
IA32_LBR_DEPTH decides how many records are saved and loaded, is not initialised, and does not count for XINUSE[15] (13.5.12,
13.6).

Recorded: 70 loads of TILECFG and 45 of PKRU by the emulator. No load of CET_U, CET_S or UINTR state, and none of them refused.
"""

import functools
import itertools
from collections.abc import Callable

from actors.machine.xstate import cet, tile_config, x87
from actors.machine.xstate.components import (
    NOT_BY_ZEROS,
    SSE,
    X87,
    X87_INITIAL,
    ZEROS,
    bits,
    initial,
    is_initial,
)
from actors.machine.xstate.description import Description
from protocol.registers import Component

SUPERVISED = 1 << Component.CET_U | 1 << Component.CET_S
"""Components of which some values are refused."""

_PKRU_BYTES = 4


def _pkru(piece: bytes) -> bytes:
    padding = ZEROS[len(piece) - _PKRU_BYTES]
    return piece if piece[_PKRU_BYTES:] == padding else piece[:_PKRU_BYTES] + padding


LOADED: dict[int, Callable[[bytes], bytes]] = {Component.TILECFG: tile_config.loaded, Component.PKRU: _pkru}
"""Component to the content that its bytes are loaded as; a component that is not here holds what it was given."""


PARTICULAR = SUPERVISED | NOT_BY_ZEROS | sum(1 << number for number in LOADED)
"""Components whose bytes need to be looked at before they are loaded."""


Looked = tuple[tuple[bytes, ...], int]
"""What comes out of the legacy region, as it is loaded: x87 state (or nothing, where it is not), and MXCSR."""


@functools.lru_cache(maxsize=1 << 12)
def looked_at(which: int, pieces: tuple[bytes, ...], rexw: bool, description: Description) -> Looked | None:
    """Look at pieces of an area that are loaded; None if one of them is refused or not simply taken as it is.

    That is so where loading changes a component, or makes it initial. The pieces are those of the components `which`,
    ascending: of component 0 its two parts, of component 1 MXCSR behind them.
    """
    found = list(pieces)
    width = description.linear_bits
    first = (x87.load(found.pop(0), found.pop(0), rexw, width),) if which & X87 else ()
    mxcsr = int.from_bytes(found.pop(0)[:4], "little") if which & SSE else 0
    if X87_INITIAL in first or mxcsr & ~description.mxcsr_mask:
        return None
    others = zip(bits(which & ~(X87 | SSE)), found, strict=True)
    return (first, mxcsr) if all(_as_it_is(*one, width) for one in others) else None


def _as_it_is(number: int, piece: bytes, linear_bits: int) -> bool:
    if is_initial(number, piece) or (SUPERVISED >> number & 1 and refuses(number, piece, linear_bits)):
        return False
    return number not in LOADED or LOADED[number](piece) == piece


@functools.lru_cache(maxsize=1 << 12)
def refuses(number: int, piece: bytes, linear_bits: int) -> str | None:
    """Return why these bytes of a supervisor component are #GP, or None."""
    for msr, at in cet.FIELDS[number].items():
        why = cet.refuses(msr, int.from_bytes(piece[at : at + 8], "little"), linear_bits)
        if why is not None:
            return why
    return None


_ELEMENT = 8
_MIXED = 48
"""Up to this size a component is mixed element by element: all but PT and LBR state, of which nobody could go through all."""


def mixtures(number: int, old: bytes, new: bytes, linear_bits: int) -> dict[bytes, str]:
    """Return what supervisor state may be after an XRSTORS that faults, with labels; the old content comes first and has none.

    Each element is what it was, what was to be loaded, or initial (SDM volume 1, 13.12). An element is an MSR of eight bytes; a
    value that is refused is never there. A label `torn 12 oni` spells the elements in order: old, new, initial.
    """
    blank = initial(number, len(old))
    size = _ELEMENT if len(old) <= _MIXED else len(old)
    ways = []
    for at in range(0, len(old), size):
        loadable = "n" if _loadable(number, at, new, linear_bits) else ""
        sources = {"o": old, loadable: new, "i": blank}
        ways.append([(sources[letter][at : at + size], letter) for letter in ("o", loadable, "i") if letter])
    told = {old: "", new: f"new {number}", blank: f"init {number}"} | {old: ""}
    found: dict[bytes, str] = {}
    for parts in itertools.product(*ways):
        held = b"".join(part for part, _ in parts)
        letters = "".join(letter for _, letter in parts)
        found.setdefault(held, told.get(held, f"torn {number} {letters}"))
    return found


def _loadable(number: int, at: int, new: bytes, linear_bits: int) -> bool:
    """Say whether an element is one that loading would not refuse."""
    msr = next((msr for msr, place in cet.FIELDS.get(number, {}).items() if place == at), None)
    value = int.from_bytes(new[at : at + _ELEMENT], "little")
    return msr is None or cet.refuses(msr, value, linear_bits) is None
