"""Instructions on extended state: the XSAVE family, XCR0, AMX, and those that write one register of another component.

Register operands are unsigned; values of more than 64 bits raise ValueError. Masks have a bit for each component, by its number
in XCR0 and IA32_XSS. Contents of tiles are bytes, row by row: one tile is 16 rows of 64 bytes. Source: SDM volume 1, chapter 13
for the XSAVE family, chapter 18 for AMX, and volume 2 for each instruction.

REX.W decides about the form of the x87 pointers alone (SDM volume 1, 13.5.1); kernels use it, so it is the default. Code in
compatibility mode has no REX prefix: there `rexw` does not count, and of the registers 0 to 7 alone are there.
"""

from typing import Annotated, Literal

import msgspec

from protocol.areas import MemoryOperand
from protocol.base import Base
from protocol.handles import Cell
from protocol.registers import Component, Uint32, Uint64, check_words

Tile = Annotated[int, msgspec.Meta(ge=0, le=7)]
"""One of the eight tile registers."""


class Xgetbv(Base, frozen=True):
    """XGETBV: ECX=0 reads XCR0, ECX=1 reads XCR0 & XINUSE; RCX[63:32] is ignored (SDM volume 1, 13.3)."""

    ecx: Uint64 = 0

    def __post_init__(self) -> None:
        check_words(self.ecx)


class Xsetbv(Base, frozen=True):
    """XSETBV of the register ECX with EDX:EAX (SDM volume 1, 13.3); always leaves a guest (volume 3, 25.1.2)."""

    value: Uint64
    ecx: Uint64 = 0

    def __post_init__(self) -> None:
        check_words(self.value, self.ecx)


class OnArea(Base, frozen=True):
    """A save or restore: the instruction mask EDX:EAX, where the area is, and REX.W.

    The mask is not yet ANDed with what is enabled. `area` is the cell that holds the area, aligned and all there, or says more.
    """

    rfbm: Uint64
    area: Cell | MemoryOperand
    rexw: bool = True

    def __post_init__(self) -> None:
        check_words(self.rfbm)


class Xsave(OnArea, frozen=True):
    """XSAVE: user components, in the standard format (SDM volume 1, 13.7)."""


class Xsaveopt(OnArea, frozen=True):
    """XSAVEOPT: as XSAVE, without what is initial or was not modified (13.9)."""


class Xsavec(OnArea, frozen=True):
    """XSAVEC: user components, in the compacted format, without what is initial (13.10)."""


class Xsaves(OnArea, frozen=True):
    """XSAVES: user and supervisor components, compacted, without what is initial or was not modified (13.11); CPL 0 only."""


class Xrstor(OnArea, frozen=True):
    """XRSTOR: user components, from either format (13.8)."""


class Xrstors(OnArea, frozen=True):
    """XRSTORS: user and supervisor components, from the compacted format (13.12); CPL 0 only."""


class Ldtilecfg(Base, frozen=True):
    """LDTILECFG: load TILECFG from 64 bytes of memory, lowest address first, zeroing the tiles (SDM volume 1, 18.2)."""

    config: bytes


class Sttilecfg(Base, frozen=True):
    """STTILECFG: store TILECFG; the reply has the 64 bytes."""


class Tileloadd(Base, frozen=True):
    """TILELOADD: load one tile from rows 64 bytes apart (at most 1024 bytes, the rest zero)."""

    tile: Tile
    data: bytes


class Tilestored(Base, frozen=True):
    """TILESTORED: store one tile; the reply has its 1024 bytes."""

    tile: Tile


class Tilezero(Base, frozen=True):
    """TILEZERO: zero one tile."""

    tile: Tile


class Tilerelease(Base, frozen=True):
    """TILERELEASE: return TILECFG and TILEDATA to their initial state."""


class Tdpbssd(Base, frozen=True):
    """TDPBSSD: dst += src1 * src2, dot products of signed bytes in sums of 32 bits."""

    dst: Tile
    src1: Tile
    src2: Tile


class Wrpkru(Base, frozen=True):
    """WRPKRU of EAX, with ECX = EDX = 0."""

    value: Uint32


class Rdpkru(Base, frozen=True):
    """RDPKRU with ECX = 0; the reply has 32 bits."""


class Ldmxcsr(Base, frozen=True):
    """LDMXCSR of 32 bits of memory."""

    value: Uint32


class Stmxcsr(Base, frozen=True):
    """STMXCSR; the reply has 32 bits."""


class Fninit(Base, frozen=True):
    """FNINIT: x87 control, status and tags as out of reset."""


class Vzeroupper(Base, frozen=True):
    """VZEROUPPER: zero bits from 128 on of vector registers 0 to 15."""


class Vzeroall(Base, frozen=True):
    """VZEROALL: zero vector registers 0 to 15."""


class Movq(Base, frozen=True):
    """MOVQ xmm, r64 in its legacy encoding; in compatibility mode MOVQ xmm, m64."""

    register: Annotated[int, msgspec.Meta(ge=0, le=15)]
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.value)


class MovqFrom(Base, frozen=True):
    """MOVQ r64, xmm in its legacy encoding: bits 63:0 of an XMM register."""

    register: Annotated[int, msgspec.Meta(ge=0, le=15)]


class Vpbroadcastq(Base, frozen=True):
    """EVEX VPBROADCASTQ of a register (in compatibility mode: of memory) into the low 256 or 512 bits of a ZMM register."""

    register: Annotated[int, msgspec.Meta(ge=0, le=31)]
    value: Uint64
    width: Literal[256, 512] = 512

    def __post_init__(self) -> None:
        check_words(self.value)


class Kmovq(Base, frozen=True):
    """KMOVQ k, r64; in compatibility mode KMOVQ k, m64."""

    register: Annotated[int, msgspec.Meta(ge=0, le=7)]
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.value)


class Touch(Base, frozen=True):
    """Use a component otherwise unknown: an instruction that needs it, writing `data` into it."""

    component: Component
    data: bytes = b""
