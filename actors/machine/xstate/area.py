"""XSAVE areas as values: an immutable assembly of shared component contents, with flat bytes at the edges alone.

`XsaveArea` (in `protocol.instructions`) has the header's two words, and the other bytes as pieces: pairs of offset and bytes,
ascending. Bytes that no piece covers are zero. A save puts references to component contents in, a restore takes them out.

The pieces of an area follow the slots of its layout (see `layout`), and one that is all zero is left out; what lies behind
the last slot is one piece without its trailing zeros. So two areas with equal bytes are equal values, and nothing has to be
compared byte by byte. Every function here keeps it that way; areas that were put together otherwise are read correctly all
the same.
"""

from actors.machine.xstate.components import COMPACTED, ZEROS
from actors.machine.xstate.description import Description
from actors.machine.xstate.layout import HEADER_AT, RESERVED_AT, Layout, layout
from protocol.instructions import XsaveArea

_WORD = 8


def from_bytes(data: bytes, description: Description) -> XsaveArea:
    """Return the area that these bytes are; zeros behind them are understood."""
    return _cut(bytes(data), description, {})


def to_bytes(area: XsaveArea, length: int) -> bytes:
    """Return the first `length` bytes of an area."""
    flat = bytearray(max(length, RESERVED_AT))
    for offset, content in area.pieces:
        kept = content[: max(0, length - offset)]
        flat[offset : offset + len(kept)] = kept
    flat[HEADER_AT : HEADER_AT + _WORD] = area.xstate_bv.to_bytes(_WORD, "little")
    flat[HEADER_AT + _WORD : RESERVED_AT] = area.xcomp_bv.to_bytes(_WORD, "little")
    return bytes(flat[:length])


def extent(area: XsaveArea) -> int:
    """Return the number of bytes up to the last that is not zero, or up to the header's end."""
    return max((offset + len(content) for offset, content in area.pieces), default=RESERVED_AT)


def read(area: XsaveArea, offset: int, size: int) -> bytes:
    """Return bytes of an area outside the header's two words; where they are a piece, the piece itself."""
    end = offset + size
    found = None
    for start, content in area.pieces:
        if start >= end:
            break
        if start == offset and len(content) == size:
            return content
        if start + len(content) > offset:
            found = found or bytearray(size)
            part = content[max(0, offset - start) : end - start]
            at = max(0, start - offset)
            found[at : at + len(part)] = part
    return bytes(found) if found else ZEROS[size]


def write(area: XsaveArea, offset: int, data: bytes, description: Description) -> XsaveArea:
    """Return the area after an ordinary store, which may hit the header."""
    end = offset + len(data)
    if layout(description, area.xcomp_bv).slots.get(offset) == len(data):
        return stored(area, area.xstate_bv, area.xcomp_bv, {offset: data}, description)
    flat = bytearray(to_bytes(area, max(extent(area), end, RESERVED_AT)))
    flat[offset:end] = data
    return _cut(bytes(flat), description, dict(area.pieces))


def stored(
    area: XsaveArea, xstate_bv: int, xcomp_bv: int, fields: dict[int, bytes], description: Description
) -> XsaveArea:
    """Return the area with a new header and with these bytes at these offsets."""
    slots = layout(description, xcomp_bv).slots
    pieces = dict(area.pieces)
    if not _same_layout(area.xcomp_bv, xcomp_bv) or not all(
        slots.get(offset) == len(content) for offset, content in fields.items()
    ):
        return _recut(area, xstate_bv, xcomp_bv, fields, description)
    count = len(pieces)
    for offset, content in fields.items():
        if content == ZEROS[len(content)]:
            count -= pieces.pop(offset, None) is not None
        else:
            pieces[offset] = content
    ordered = pieces.items() if len(pieces) == count else sorted(pieces.items())
    return XsaveArea(xstate_bv, xcomp_bv, tuple(ordered))


def _same_layout(one: int, other: int) -> bool:
    return one == other or not (one | other) & COMPACTED


def _recut(
    area: XsaveArea, xstate_bv: int, xcomp_bv: int, fields: dict[int, bytes], description: Description
) -> XsaveArea:
    """The slow way: where the layout changes, or a part of a slot is written, or a component in the other format."""
    end = max((offset + len(content) for offset, content in fields.items()), default=0)
    flat = bytearray(to_bytes(area, max(extent(area), end, RESERVED_AT)))
    for offset, content in fields.items():
        flat[offset : offset + len(content)] = content
    flat[HEADER_AT:RESERVED_AT] = xstate_bv.to_bytes(_WORD, "little") + xcomp_bv.to_bytes(_WORD, "little")
    return _cut(bytes(flat), description, {**dict(area.pieces), **fields})


def _cut(flat: bytes, description: Description, known: dict[int, bytes]) -> XsaveArea:
    """Cut bytes into slots; a piece that is known already is shared."""
    flat = flat.ljust(RESERVED_AT, b"\0")
    xstate_bv, xcomp_bv = (
        int.from_bytes(flat[at : at + _WORD], "little") for at in (HEADER_AT, HEADER_AT + _WORD)
    )
    form: Layout = layout(description, xcomp_bv)
    pieces = []
    for offset, size in form.slots.items():
        piece = flat[offset : offset + size].ljust(size, b"\0")
        if piece != ZEROS[size]:
            pieces.append((offset, known[offset] if known.get(offset) == piece else piece))
    tail = flat[form.size :].rstrip(b"\0")
    if tail:
        pieces.append((form.size, tail))
    return XsaveArea(xstate_bv, xcomp_bv, tuple(sorted(pieces)))
