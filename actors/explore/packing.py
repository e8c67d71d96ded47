"""Choices as bytes: the default order costs nothing, so an execution is as long as it departs from it.

A list of choices is written as pairs of varints: how many zeros, then the value that is not zero. Zeros at
the end are not written: a schedule goes on by default anyway. There is one way to write each list, and
`unpack` accepts no other.
"""

from collections.abc import Iterable, Iterator

_MORE = 0x80
_VARINT_BYTES = 4  # 28 bits: more than any count of steps or programs


def pack(choices: Iterable[int]) -> bytes:
    """Write choices down; those that are 0 at the end are left out."""
    out = bytearray()
    zeros = 0
    for choice in choices:
        if choice == 0:
            zeros += 1
            continue
        out += _varint(zeros)
        out += _varint(choice)
        zeros = 0
    return bytes(out)


def unpack(packed: bytes, limit: int) -> tuple[int, ...]:
    """Read choices; raises ValueError for what `pack` does not write, or for more than `limit` of them."""
    choices: list[int] = []
    numbers = _varints(packed)
    for zeros in numbers:
        value = next(numbers, 0)
        if value == 0:
            raise ValueError("a run of zeros without the value that ends it")
        if len(choices) + zeros + 1 > limit:
            raise ValueError(f"more than {limit} choices")
        choices.extend((0,) * zeros)
        choices.append(value)
    return tuple(choices)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= _MORE:
        out.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(packed: bytes) -> Iterator[int]:
    number = length = 0
    for byte in packed:
        number |= (byte & (_MORE - 1)) << (7 * length)
        length += 1
        if byte & _MORE:
            if length == _VARINT_BYTES:
                raise ValueError("a number that is too long")
            continue
        if byte == 0 and length > 1:
            raise ValueError("a number with zeros in front")
        yield number
        number = length = 0
    if length:
        raise ValueError("a number that is cut off")
