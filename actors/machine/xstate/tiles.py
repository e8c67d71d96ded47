"""The AMX instructions on the tile registers: TILECFG (64 bytes) and TILEDATA (8 tiles of 16 rows of 64 bytes).

SDM volume 1, chapter 18, and volume 2 for each instruction. All of them are #UD unless XCR0[18:17] = 11b. Those that touch a
tile are #UD unless it is configured, and need TILECFG and TILEDATA, so XFD[18] makes them #NM. LDTILECFG and TILERELEASE
initialise TILEDATA without needing it, STTILECFG does not touch it: none of the three is stopped by XFD.
"""

from actors.machine.model import TILECFG, TILEDATA
from actors.machine.xstate.registers import XState
from protocol.registers import Component

TILES = 8
ROWS = 16
ROW_BYTES = 64
TILE_BYTES = ROWS * ROW_BYTES
NEEDED = TILECFG | TILEDATA

_COLSB = 16  # offset of the 16-bit bytes-per-row of each tile
_ROWS = 48  # offset of the 8-bit row counts
_RESERVED = (*range(2, 16), *range(32, 48), *range(56, 64))


def config(*rows: int, colsb: int = ROW_BYTES) -> bytes:
    """Return a TILECFG image of palette 1 with so many rows for tile 0, 1, ... and `colsb` bytes a row."""
    image = bytearray(64)
    image[0] = 1
    for tile, count in enumerate(rows):
        image[_COLSB + 2 * tile] = colsb if count else 0
        image[_ROWS + tile] = count
    return bytes(image)


def enabled(state: XState) -> bool:
    """Say whether XCR0 enables both tile components; else every tile instruction is #UD."""
    return state.xcr0 & NEEDED == NEEDED


def acceptable(image: bytes) -> bool:
    """Say whether LDTILECFG accepts the 64 bytes; else it is #GP(0)."""
    if len(image) != 64 or image[0] > 1:  # noqa: PLR2004  # bytes of TILECFG
        return False
    if image[0] == 0:
        return True
    if any(image[at] for at in _RESERVED):
        return False
    return all(_tile_fits(image, tile) for tile in range(TILES))


def _tile_fits(image: bytes, tile: int) -> bool:
    colsb = int.from_bytes(image[_COLSB + 2 * tile : _COLSB + 2 * tile + 2], "little")
    rows = image[_ROWS + tile]
    return colsb <= ROW_BYTES and rows <= ROWS and (colsb == 0) == (rows == 0)


def ldtilecfg(state: XState, image: bytes) -> XState:
    """Load an acceptable configuration: the tiles become initial; palette 0 makes TILECFG initial as well."""
    cleared = state.initialised(TILEDATA)
    if image[0] == 0:
        return cleared.initialised(TILECFG)
    return cleared.loaded(Component.TILECFG, image)


def shape(state: XState, tile: int) -> tuple[int, int] | None:
    """Return rows and bytes a row of a tile, or None if it is not configured (#UD)."""
    image = state.content(Component.TILECFG)
    rows = image[_ROWS + tile]
    colsb = int.from_bytes(image[_COLSB + 2 * tile : _COLSB + 2 * tile + 2], "little")
    return (rows, colsb) if image[0] == 1 and rows else None


def tileloadd(state: XState, tile: int, data: bytes) -> XState:
    """Load a configured tile: row by row of `colsb` bytes from `data`, whose rows are 64 bytes apart; the rest is zero."""
    found = shape(state, tile)
    assert found is not None
    rows, colsb = found
    source = data.ljust(TILE_BYTES, b"\0")
    image = b"".join(
        source[row * ROW_BYTES : row * ROW_BYTES + colsb].ljust(ROW_BYTES, b"\0") for row in range(rows)
    )
    return _replace(state, tile, image.ljust(TILE_BYTES, b"\0"))


def tilestored(state: XState, tile: int) -> bytes:
    """Return the 1024 bytes of a tile; beyond its shape they are zero."""
    return state.content(Component.TILEDATA)[tile * TILE_BYTES : (tile + 1) * TILE_BYTES]


def tilezero(state: XState, tile: int) -> XState:
    """Zero a tile; TILEDATA stays in use (whether silicon tracks this is not known)."""
    return _replace(state, tile, bytes(TILE_BYTES))


def tilerelease(state: XState) -> XState:
    """Make TILECFG and TILEDATA initial."""
    return state.initialised(NEEDED)


def _replace(state: XState, tile: int, image: bytes) -> XState:
    data = state.content(Component.TILEDATA)
    return state.loaded(
        Component.TILEDATA, data[: tile * TILE_BYTES] + image + data[(tile + 1) * TILE_BYTES :]
    )
