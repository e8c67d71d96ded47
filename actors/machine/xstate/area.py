"""XSAVE areas as values: an immutable assembly of shared component contents, with flat bytes at the edges alone.

`XsaveArea` (in `protocol.instructions`) has the header's two words, and the other bytes in pieces, by ascending offset.
Bytes that no piece covers are zero. A save puts references to component contents in, a restore takes them out.

The pieces of an area follow the slots of its layout (see `layout`), and one that is all zero is left out; what lies behind
the last slot is one piece without its trailing zeros. So two areas with equal bytes are equal values, and nothing has to be
compared byte by byte. Every function here keeps it that way, and areas are made by them alone.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Iterator

from actors.machine.xstate.components import ZEROS
from actors.machine.xstate.description import Description
from actors.machine.xstate.layout import HEADER_AT, RESERVED_AT, layout
from protocol.instructions import XsaveArea

_WORD = 8

Contents = tuple[bytes, ...]


def pieces(area: XsaveArea) -> Iterator[tuple[int, bytes]]:
    """Yield the pieces with their offsets."""
    return zip(area.offsets, area.contents, strict=True)


def from_bytes(data: bytes, description: Description) -> XsaveArea:
    """Return the area that these bytes are; zeros behind them are understood."""
    return _cut(bytes(data), description, ())


def to_bytes(area: XsaveArea, length: int) -> bytes:
    """Return the first `length` bytes of an area."""
    flat = bytearray(max(length, RESERVED_AT))
    for offset, content in pieces(area):
        kept = content[: max(0, length - offset)]
        flat[offset : offset + len(kept)] = kept
    flat[HEADER_AT : HEADER_AT + _WORD] = area.xstate_bv.to_bytes(_WORD, "little")
    flat[HEADER_AT + _WORD : RESERVED_AT] = area.xcomp_bv.to_bytes(_WORD, "little")
    return bytes(flat[:length])


def extent(area: XsaveArea) -> int:
    """Return the number of bytes up to the end of the last piece, or to the end of the header's two words."""
    return max(RESERVED_AT, area.offsets[-1] + len(area.contents[-1])) if area.offsets else RESERVED_AT


def read(area: XsaveArea, offset: int, size: int) -> bytes:
    """Return bytes of an area outside the header's two words; where they are a piece, the piece itself."""
    if offset in area.offsets:
        content = area.contents[area.offsets.index(offset)]
        if len(content) == size:
            return content
    end = offset + size
    found = None
    for start, content in pieces(area):
        if start >= end:
            break
        if start + len(content) > offset:
            found = found or bytearray(size)
            part = content[max(0, offset - start) : end - start]
            at = max(0, start - offset)
            found[at : at + len(part)] = part
    return bytes(found) if found else ZEROS[size]


def write(area: XsaveArea, offset: int, data: bytes, description: Description) -> XsaveArea:
    """Return the area after an ordinary store, which may hit the header."""
    return overwritten(area, area.xstate_bv, area.xcomp_bv, ((offset, data),), description)


def overwritten(
    area: XsaveArea,
    xstate_bv: int,
    xcomp_bv: int,
    fields: Iterable[tuple[int, bytes]],
    description: Description,
) -> XsaveArea:
    """Return the area with a new header and, over it, these bytes at these offsets, wherever that is."""
    stores = tuple(fields)
    end = max((offset + len(content) for offset, content in stores), default=0)
    flat = bytearray(to_bytes(area, max(extent(area), end)))
    flat[HEADER_AT:RESERVED_AT] = xstate_bv.to_bytes(_WORD, "little") + xcomp_bv.to_bytes(_WORD, "little")
    for offset, content in stores:
        flat[offset : offset + len(content)] = content
    return _cut(bytes(flat), description, (*pieces(area), *stores))


def replaced(
    area: XsaveArea,
    xstate_bv: int,
    xcomp_bv: int,
    offsets: tuple[int, ...],
    contents: Contents,
    cleared: tuple[int, ...] = (),
) -> XsaveArea:
    """Return the area with a new header of the same layout, and with whole slots replaced: by contents, or by zeros.

    This is what saves do most of the time, so no byte is looked at: the contents must not be all zero.
    """
    old = area.offsets
    if old is not offsets and old and (cleared or old != offsets):
        offsets, pick = _merge(old, offsets, cleared)
        contents = pick(area.contents + contents)
    return XsaveArea(xstate_bv, xcomp_bv, offsets, contents)


Pick = Callable[[Contents], Contents]


@functools.lru_cache(maxsize=1 << 12)
def _merge(
    old: tuple[int, ...], new: tuple[int, ...], cleared: tuple[int, ...]
) -> tuple[tuple[int, ...], Pick]:
    """Return the offsets of a merger, and how to pick its contents out of the old ones followed by the new ones."""
    source = {offset: at for at, offset in enumerate((*old, *new))}
    for offset in cleared:
        source.pop(offset, None)
    offsets = tuple(sorted(source))
    return offsets, picker(tuple(source[offset] for offset in offsets))


def picker(places: tuple[int, ...]) -> Pick:
    """Return a function that picks these places out of a tuple."""
    first = places[0] if places else 0
    if places == tuple(range(first, first + len(places))):
        return operator.itemgetter(slice(first, first + len(places)))  # faster than one by one
    return operator.itemgetter(*places)


def _cut(flat: bytes, description: Description, known: Iterable[tuple[int, bytes]]) -> XsaveArea:
    """Cut bytes into slots; a piece that is known already is shared."""
    flat = flat.ljust(RESERVED_AT, b"\0")
    xstate_bv, xcomp_bv = (
        int.from_bytes(flat[at : at + _WORD], "little") for at in (HEADER_AT, HEADER_AT + _WORD)
    )
    form, shared = layout(description, xcomp_bv), dict(known)
    found = []
    for offset, size in form.slots.items():
        piece = flat[offset : offset + size].ljust(size, b"\0")
        if piece != ZEROS[size]:
            found.append((offset, shared[offset] if shared.get(offset) == piece else piece))
    tail = flat[form.size :].rstrip(b"\0")
    if tail:
        found.append((form.size, tail))
    return XsaveArea(
        xstate_bv, xcomp_bv, tuple(offset for offset, _ in found), tuple(content for _, content in found)
    )
