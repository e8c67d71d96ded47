"""TDPBSSD: dot products of signed bytes, accumulated in 32-bit integers.

SDM volume 2, TDPBSSD. dst (M rows, N columns of 32 bits) += src1 (M rows of K groups of 4 bytes) * src2 (K rows of N
groups). #UD, besides what every tile instruction has, if two of the tiles are the same or the shapes do not fit: dst and
src1 have as many rows, dst and src2 rows as long, src2 a row for each group of src1, and no row ends within a group.

No line has one that executes; 80 of the emulator's are #UD. What is computed is checked against the manual's operation alone.
"""

import struct

from actors.machine.xstate.components import TILES
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.outcomes import Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tile_config import ROW_BYTES, TILE_BYTES
from actors.machine.xstate.tiles import replaced, shape, stopped, tile

_GROUP = 4
_WORD = 1 << 32

Shape = tuple[int, int]


def fits(dst: Shape | None, src1: Shape | None, src2: Shape | None) -> bool:
    """Say whether the shapes make a product; tiles that are not configured are somebody else's #UD."""
    if dst is None or src1 is None or src2 is None:
        return True
    return (
        not (dst[1] | src1[1] | src2[1]) % _GROUP
        and dst[0] == src1[0]
        and dst[1] == src2[1]
        and src1[1] // _GROUP == src2[0]
    )


def tdpbssd(state: XState, dst: int, src1: int, src2: int, environment: Environment, cpu: CpuModel) -> Result:
    """Execute TDPBSSD on three different tiles."""
    shapes = [shape(state, number) for number in (dst, src1, src2)]
    legal = len({dst, src1, src2}) == len(shapes) and fits(*shapes)
    fault = stopped(state, environment, cpu, TILES, dst, src1, src2, fits=legal)
    if fault is not None or shapes[0] is None or shapes[1] is None:
        return fault or Result(state)
    (rows, colsb), groups = shapes[0], shapes[1][1] // _GROUP
    image = _product(tile(state, dst), tile(state, src1), tile(state, src2), (rows, colsb // _GROUP, groups))
    return Result(replaced(state, dst, image))


def _product(dst: bytes, src1: bytes, src2: bytes, size: tuple[int, int, int]) -> bytes:
    rows, columns, groups = size
    left, right = (struct.unpack(f"{TILE_BYTES}b", source) for source in (src1, src2))
    sums = list(struct.unpack(f"<{TILE_BYTES // _GROUP}I", dst))
    line = ROW_BYTES // _GROUP
    for row in range(rows):
        for column in range(columns):
            sums[row * line + column] += sum(
                left[row * ROW_BYTES + _GROUP * group + at] * right[group * ROW_BYTES + _GROUP * column + at]
                for group in range(groups)
                for at in range(_GROUP)
            )
    kept = [
        value % _WORD if at // line < rows and at % line < columns else 0 for at, value in enumerate(sums)
    ]
    return struct.pack(f"<{len(kept)}I", *kept)
