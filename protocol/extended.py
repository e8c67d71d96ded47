"""Instructions on extended state: the XSAVE family, XCR0, AMX, and those that write one register of another component.

REX.W decides about the form of the x87 pointers alone (SDM volume 1, 13.5.1); kernels use it, so it is the default. Contents
of tiles are bytes: one tile is 16 rows of 64 bytes.
"""

from typing import Annotated, Literal

import msgspec

from protocol.base import Base
from protocol.handles import Cell
from protocol.registers import Component, Uint32, Uint64, check_words

Tile = Annotated[int, msgspec.Meta(ge=0, le=7)]


class Xgetbv(Base, frozen=True):
    """XGETBV: ECX=0 reads XCR0, ECX=1 reads XCR0 & XINUSE."""

    ecx: Uint64 = 0

    def __post_init__(self) -> None:
        check_words(self.ecx)


class Xsetbv(Base, frozen=True):
    """XSETBV of the register ECX with EDX:EAX; always leaves a guest."""

    value: Uint64
    ecx: Uint64 = 0

    def __post_init__(self) -> None:
        check_words(self.value, self.ecx)


class OnArea(Base, frozen=True):
    """A save or restore: the instruction mask EDX:EAX, the memory cell that holds the area, and REX.W."""

    rfbm: Uint64
    area: Cell
    rexw: bool = True

    def __post_init__(self) -> None:
        check_words(self.rfbm)


class Xsave(OnArea, frozen=True):
    """XSAVE: user components, in the standard format."""


class Xsaveopt(OnArea, frozen=True):
    """XSAVEOPT: as XSAVE, without what is initial or was not modified."""


class Xsavec(OnArea, frozen=True):
    """XSAVEC: user components, in the compacted format, without what is initial."""


class Xsaves(OnArea, frozen=True):
    """XSAVES: user and supervisor components, in the compacted format, without what is initial or was not modified."""


class Xrstor(OnArea, frozen=True):
    """XRSTOR: user components, from either format."""


class Xrstors(OnArea, frozen=True):
    """XRSTORS: user and supervisor components, from the compacted format."""


class Ldtilecfg(Base, frozen=True):
    """LDTILECFG: load TILECFG from 64 bytes of memory, zeroing the tiles."""

    config: bytes


class Sttilecfg(Base, frozen=True):
    """STTILECFG: store TILECFG."""


class Tileloadd(Base, frozen=True):
    """TILELOADD: load one tile (at most 1024 bytes, the rest zero)."""

    tile: Tile
    data: bytes


class Tilestored(Base, frozen=True):
    """TILESTORED: store one tile (1024 bytes)."""

    tile: Tile


class Tilezero(Base, frozen=True):
    """TILEZERO: zero one tile."""

    tile: Tile


class Tilerelease(Base, frozen=True):
    """TILERELEASE: return TILECFG and TILEDATA to their initial state."""


class Tdpbssd(Base, frozen=True):
    """TDPBSSD: dst += src1 * src2, dot products of signed bytes."""

    dst: Tile
    src1: Tile
    src2: Tile


class Wrpkru(Base, frozen=True):
    """WRPKRU with ECX = EDX = 0."""

    value: Uint32


class Rdpkru(Base, frozen=True):
    """RDPKRU with ECX = 0."""


class Ldmxcsr(Base, frozen=True):
    """LDMXCSR."""

    value: Uint32


class Stmxcsr(Base, frozen=True):
    """STMXCSR."""


class Fninit(Base, frozen=True):
    """FNINIT."""


class Vzeroupper(Base, frozen=True):
    """VZEROUPPER."""


class Vzeroall(Base, frozen=True):
    """VZEROALL."""


class Movq(Base, frozen=True):
    """MOVQ xmm, r64 in its legacy encoding."""

    register: Annotated[int, msgspec.Meta(ge=0, le=15)]
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.value)


class Vpbroadcastq(Base, frozen=True):
    """EVEX VPBROADCASTQ of a register into the low 256 or 512 bits of a ZMM register."""

    register: Annotated[int, msgspec.Meta(ge=0, le=31)]
    value: Uint64
    width: Literal[256, 512] = 512

    def __post_init__(self) -> None:
        check_words(self.value)


class Kmovq(Base, frozen=True):
    """KMOVQ k, r64."""

    register: Annotated[int, msgspec.Meta(ge=0, le=7)]
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.value)


class Touch(Base, frozen=True):
    """Use a component otherwise unknown: an instruction that needs it, writing `data` into it."""

    component: Component
    data: bytes = b""
