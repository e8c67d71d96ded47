"""State components: their numbers as masks, their initial contents, and the parts that exist in compatibility mode.

A component's *content* is what its registers hold, as immutable bytes in the order of the XSAVE area. Two are not simply a
stretch of the area. Content 0 (x87 state) is the 152 bytes of the FXSAVE64 image without MXCSR: bytes 0-23 (FCW, FSW, abridged
FTW, 0, FOP, 64-bit FIP and FDP), then bytes 32-159 (ST0 to ST7). Content 1 is XMM0 to XMM15; MXCSR is a register of its own,
because it belongs to SSE state in some rules and not in others (SDM volume 1, 13.5.2).

Initial contents: SDM volume 1, 13.6. Zero everywhere, but for FCW, HDC and HWP state (`INITIAL`); MXCSR is 1F80H.
"""

import functools

from protocol.registers import Component

_SHARED = 1 << 14
"""Longer stretches of zeros are nobody's content on a released CPU, and are not kept."""


class _Zeros(dict[int, bytes]):
    def __missing__(self, size: int) -> bytes:
        zeros = bytes(size)
        return self.setdefault(size, zeros) if size <= _SHARED else zeros


ZEROS: dict[int, bytes] = _Zeros()
"""So many zero bytes, one shared object a size."""

X87, SSE, AVX, OPMASK, ZMM_HI256, HI16_ZMM, PKRU, TILECFG, TILEDATA = (
    1 << number
    for number in (
        Component.X87,
        Component.SSE,
        Component.AVX,
        Component.OPMASK,
        Component.ZMM_HI256,
        Component.HI16_ZMM,
        Component.PKRU,
        Component.TILECFG,
        Component.TILEDATA,
    )
)
MPX = 1 << Component.BNDREGS | 1 << Component.BNDCSR
AVX512 = OPMASK | ZMM_HI256 | HI16_ZMM
TILES = TILECFG | TILEDATA
HYPOTHETICAL = 1 << Component.APX
"""Bit 19 as an XFD-capable component: the one that the 2021 mail supposes "at some day"."""

COMPACTED = 1 << 63
"""XCOMP_BV[63]: the area has the compacted format."""

HALVED = SSE | AVX | ZMM_HI256
"""Components of which compatibility mode has registers 0 to 7 alone."""

COMPATIBLE_BYTES: dict[int, int] = {
    Component.SSE: 128,
    Component.AVX: 128,
    Component.ZMM_HI256: 256,
    Component.HI16_ZMM: 0,
}
"""The leading bytes of a component that compatibility mode can reach, where that is not all of it (silicon fact 8)."""

EXTENDED_REGION = 576
"""Where components from 2 on begin: behind the legacy region (512 bytes) and the header (64 bytes)."""

X87_BYTES = 152
SSE_BYTES = 256
MXCSR_INITIAL = 0x1F80
X87_INITIAL = b"\x7f\x03" + bytes(X87_BYTES - 2)

INITIAL: dict[int, bytes] = {
    Component.X87: X87_INITIAL,
    Component.HDC: (1).to_bytes(8, "little"),
    Component.HWP: (0x8000_FF01).to_bytes(8, "little"),
}
"""Initial contents that are not zero: FCW = 037FH, IA32_PM_CTL1 = 1, IA32_HWP_REQUEST = 8000FF01H."""

NOT_BY_ZEROS = 1 << Component.HDC | 1 << Component.HWP
"""Components outside the legacy region that zeros do not make initial."""


@functools.lru_cache(maxsize=1 << 14)
def bits(mask: int) -> tuple[int, ...]:
    """Return the numbers of the bits set in `mask`, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return tuple(found)


def initial(component: int, size: int) -> bytes:
    """Return the initial content of a component of `size` bytes."""
    return INITIAL.get(component) or ZEROS[size]


def is_initial(component: int, content: bytes) -> bool:
    """Say whether a component holds its initial content."""
    return content == initial(component, len(content))
