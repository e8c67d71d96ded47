"""Numbers spelt in lower-case hexadecimal without 0x, by width, and the hook that decodes them.

JSON numbers are decimal and stand for counts, offsets and vectors; what a register or an MSR holds is a string of hex digits.
The types are ints, so that whoever reads a line computes with them and cannot mistake one spelling for the other.
"""

import re
from typing import Any

from actors.machine.conform.blobs import Blob
from actors.machine.conform.blobs import decode as decode_blob

_HEX = re.compile(r"[0-9a-f]+")
_SHOWN = 40


class U64(int):
    """A number of at most 64 bits."""

    __slots__ = ()


class U32(int):
    """A number of at most 32 bits."""

    __slots__ = ()


class U8(int):
    """A number of at most 8 bits."""

    __slots__ = ()


class Plain(bytes):
    """Bytes in memory order, two hex digits each, without any repetition."""

    __slots__ = ()


_BITS: dict[type, int] = {U64: 64, U32: 32, U8: 8}


def decode_custom(wanted: type, given: Any) -> Any:
    """Decode a string into a number or bytes (a `dec_hook` of msgspec); raises ValueError."""
    if not isinstance(given, str):
        raise ValueError(f"{_shown(given)} should be a string of hexadecimal digits")  # noqa: TRY004
    if wanted is Blob:
        return decode_blob(given)
    if wanted is Plain:
        return _bytes(given)
    bits = _BITS[wanted]
    if not _HEX.fullmatch(given):
        raise ValueError(f"{_shown(given)} should be a number in lower-case hexadecimal without 0x")
    if len(given) > bits // 4:
        raise ValueError(f"{_shown(given)} has more than {bits // 4} hexadecimal digits")
    return wanted(given, 16)


def _bytes(given: str) -> Plain:
    if given and not _HEX.fullmatch(given):
        raise ValueError(f"{_shown(given)} should be bytes in lower-case hexadecimal")
    if len(given) % 2:
        raise ValueError(f"{_shown(given)} has an odd number of hexadecimal digits, and a byte has two")
    return Plain(bytes.fromhex(given))


def _shown(given: object) -> str:
    text = repr(given)
    return ascii(given) if len(text) <= _SHOWN else f"{ascii(text[:_SHOWN])[1:-1]}..."
