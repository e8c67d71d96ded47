"""TILECFG: the 64 bytes that LDTILECFG reads, STTILECFG writes and component 17 holds.

SDM volume 1, 18.2, and volume 2, LDTILECFG: byte 0 palette, byte 1 start_row, words from 16 bytes a row (colsb) of each
tile, bytes from 48 its rows; the rest is reserved. Palette 0 is the initial state, and its other bytes do not count.
Palette 1 has 8 tiles of at most 16 rows of at most 64 bytes; a tile has both rows and columns, or neither. start_row may be
anything.
"""

import functools

from actors.machine.xstate.components import ZEROS

BYTES = 64
TILE_COUNT = 8
ROWS = 16
ROW_BYTES = 64
TILE_BYTES = ROWS * ROW_BYTES
START_ROW_AT = 1

_COLSB = 16
_ROWS = 48
_RESERVED = (*range(2, 16), *range(32, 48), *range(56, 64))


def config(*rows: int, colsb: int = ROW_BYTES) -> bytes:
    """Return an image of palette 1 with so many rows for tile 0, 1, ... and `colsb` bytes a row."""
    image = bytearray(BYTES)
    image[0] = 1
    for tile, count in enumerate(rows):
        image[_COLSB + 2 * tile] = colsb if count else 0
        image[_ROWS + tile] = count
    return bytes(image)


def _shape(image: bytes, tile: int) -> tuple[int, int]:
    at = _COLSB + 2 * tile
    return image[_ROWS + tile], int.from_bytes(image[at : at + 2], "little")


def _fits(rows: int, colsb: int) -> bool:
    return colsb <= ROW_BYTES and rows <= ROWS and (colsb == 0) == (rows == 0)


@functools.lru_cache(maxsize=1 << 10)
def acceptable(image: bytes) -> bool:
    """Say whether LDTILECFG accepts the bytes; else it is #GP(0)."""
    if len(image) != BYTES or image[0] > 1:
        return False
    if image[0] == 0:
        return True
    if any(image[at] for at in _RESERVED):
        return False
    return all(_fits(*_shape(image, tile)) for tile in range(TILE_COUNT))


def loaded(image: bytes) -> bytes:
    """Return what XRSTOR makes of the bytes: themselves, or the initial content if they are no configuration."""
    return image if image[0] == 1 and acceptable(image) else ZEROS[BYTES]


def shape(image: bytes, tile: int) -> tuple[int, int] | None:
    """Return rows and bytes a row of a tile, or None if it is not configured."""
    rows, colsb = _shape(image, tile)
    return (rows, colsb) if image[0] == 1 and rows else None


def start_row(image: bytes) -> int:
    """Return the row that the next tile instruction starts with."""
    return image[START_ROW_AT]


def restarted(image: bytes) -> bytes:
    """Return the image with start_row = 0."""
    return image if not image[START_ROW_AT] else image[:1] + b"\0" + image[2:]
