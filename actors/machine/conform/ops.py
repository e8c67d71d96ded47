"""The instructions that sequences are made of, each with its operands and with what is recorded after it.

A sequence comes from an emulator, which records everything after each instruction (`check_recorded`), or from a test suite,
which asserts little: what is absent is not asserted. So an output is UNSET where the line does not say it, and `vec` None says
that there is no fault.
"""

from typing import Annotated, ClassVar, Literal

import msgspec

from actors.machine.conform.blobs import Blob
from actors.machine.conform.numbers import U8, U32, U64, Plain

AREA_BYTES = 0x3000
"""How long each memory area is."""

AREAS = 4
TILES = 8
CONFIG_BYTES = 64

Area = Annotated[int, msgspec.Meta(ge=0, lt=AREAS)]
Tile = Annotated[int, msgspec.Meta(ge=0, lt=TILES)]
Place = Annotated[int, msgspec.Meta(ge=0, le=AREA_BYTES)]
Component = Annotated[int, msgspec.Meta(ge=0, lt=63)]
Vec = Annotated[int, msgspec.Meta(ge=0, le=31)]
ErrorCode = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]
Bit = Literal[0, 1]

Unset = msgspec.UnsetType
UNSET = msgspec.UNSET


class Op(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """One step of a sequence, and what was seen after it.

    `xcr0` and `xin` are XGETBV(0) and XGETBV(1), None while CR4.OSXSAVE is clear. `ts` says that CR0.TS was set around it,
    `sus` why it is not to be trusted.
    """

    results: ClassVar[tuple[str, ...]] = ()
    """What is recorded of it only where it did not fault."""

    ts: Bit = 0
    vec: Vec | Unset | None = UNSET
    err: ErrorCode | Unset = UNSET
    xcr0: U64 | Unset | None = UNSET
    xin: U64 | Unset | None = UNSET
    sus: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.err is not UNSET and not isinstance(self.vec, int):
            raise ValueError("err says the error code of a fault, and vec says none")
        if isinstance(self.vec, int):
            for name in self.results:
                if getattr(self, name) is not UNSET:
                    raise ValueError(f"{name} does not belong to an instruction that faults")

    def check_recorded(self) -> None:
        """Refuse one of which not everything is recorded; raises ValueError."""
        wanted = ("xcr0", "xin", "vec", *(("err",) if isinstance(self.vec, int) else self.results))
        missing = [name for name in wanted if getattr(self, name) is UNSET]
        if missing:
            raise ValueError(f"{type(self).__struct_config__.tag} lacks {', '.join(missing)}")


class Xsetbv(Op, frozen=True, kw_only=True, tag="xsetbv"):
    """XSETBV."""

    ecx: U64
    val: U64


class Xgetbv(Op, frozen=True, kw_only=True, tag="xgetbv"):
    """XGETBV."""

    results = ("res",)
    ecx: U64
    res: U64 | Unset = UNSET


class Wrmsr(Op, frozen=True, kw_only=True, tag="wrmsr"):
    """WRMSR."""

    msr: U32
    val: U64


class Rdmsr(Op, frozen=True, kw_only=True, tag="rdmsr"):
    """RDMSR."""

    results = ("res",)
    msr: U32
    res: U64 | Unset = UNSET


class CpuidD(Op, frozen=True, kw_only=True, tag="cpuid_d"):
    """CPUID leaf 0DH: EAX, EBX, ECX, EDX."""

    results = ("res",)
    sub: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    res: tuple[U32, U32, U32, U32] | Unset = UNSET


class Region(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A part of an area, and its bytes."""

    offset: Place
    length: Place
    content: Blob

    def __post_init__(self) -> None:
        if len(self.content) != self.length:
            raise ValueError(f"a region of {self.length} bytes is given {len(self.content)}")
        if self.offset + self.length > AREA_BYTES:
            raise ValueError(f"a region at {self.offset} of {self.length} bytes ends behind its area")


class Legacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The legacy region: CRC-32 of bytes 0 to 23, of 32 to 159, of 160 to 415, and MXCSR itself."""

    env: U32
    st: U32
    xmm: U32
    mxcsr: U32


class Located(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a component is in the area, and its CRC-32."""

    offset: Place
    crc: U32


class WithArea(Op, frozen=True, kw_only=True):
    """One that works on an area, of which a suite may assert XSTATE_BV and XCOMP_BV afterwards, or a region."""

    area: Area
    hdr: tuple[U64, U64] | Unset = UNSET
    hdr_mask: tuple[U64, U64] | Unset = UNSET
    region: Region | Unset = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hdr_mask is not UNSET and self.hdr is UNSET:
            raise ValueError("hdr_mask says which bits of hdr are asserted, and hdr is missing")


class OnArea(WithArea, frozen=True, kw_only=True):
    """An instruction on an XSAVE area; with `off` its operand is misaligned."""

    rfbm: U64
    off: Annotated[int, msgspec.Meta(ge=0, lt=64)] = 0


class Save(OnArea, frozen=True, kw_only=True):
    """One that saves: the checksums of the parts, and of the whole area."""

    results = ("hdr", "leg", "comp", "crc")
    leg: Legacy | Unset = UNSET
    comp: dict[Component, Located] | Unset = UNSET
    crc: U32 | Unset = UNSET


class Xsave(Save, frozen=True, kw_only=True, tag="xsave"):
    """XSAVE64."""


class Xsaveopt(Save, frozen=True, kw_only=True, tag="xsaveopt"):
    """XSAVEOPT64."""


class Xsavec(Save, frozen=True, kw_only=True, tag="xsavec"):
    """XSAVEC64."""


class Xsaves(Save, frozen=True, kw_only=True, tag="xsaves"):
    """XSAVES64."""


class Xrstor(OnArea, frozen=True, kw_only=True, tag="xrstor"):
    """XRSTOR64."""


class Xrstors(OnArea, frozen=True, kw_only=True, tag="xrstors"):
    """XRSTORS64."""


class Poke(WithArea, frozen=True, kw_only=True, tag="poke"):
    """A store of eight bytes."""

    off: Annotated[int, msgspec.Meta(ge=0, le=AREA_BYTES - 8)]
    val: U64


class Fill(WithArea, frozen=True, kw_only=True, tag="fill"):
    """The whole area repeats `val`; its header is zero, MXCSR 1F80h, the MXCSR mask FFFFh."""

    val: U64


class ZeroArea(WithArea, frozen=True, kw_only=True, tag="zero_area"):
    """The whole area is zero."""


class FillBytes(WithArea, frozen=True, kw_only=True, tag="fill_bytes"):
    """A part of an area repeats one byte."""

    off: Place
    len: Place
    byte: U8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.off + self.len > AREA_BYTES:
            raise ValueError(f"{self.len} bytes at {self.off} end behind their area")


class Ldtilecfg(Op, frozen=True, kw_only=True, tag="ldtilecfg"):
    """LDTILECFG of these 64 bytes."""

    cfg: Plain

    def __post_init__(self) -> None:
        super().__post_init__()
        _config(self.cfg, "cfg")


class Sttilecfg(Op, frozen=True, kw_only=True, tag="sttilecfg"):
    """STTILECFG; `out` is what it stored."""

    results = ("out",)
    out: Plain | Unset = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.out, Plain):
            _config(self.out, "out")


class Tilerelease(Op, frozen=True, kw_only=True, tag="tilerelease"):
    """TILERELEASE."""


class Tilezero(Op, frozen=True, kw_only=True, tag="tilezero"):
    """TILEZERO."""

    tile: Tile


class Tdpbssd(Op, frozen=True, kw_only=True, tag="tdpbssd"):
    """TDPBSSD, a dot product of signed bytes."""

    dst: Tile
    src1: Tile
    src2: Tile


class Tileloadd(Op, frozen=True, kw_only=True, tag="tileloadd"):
    """TILELOADD of rows 64 bytes apart whose 8-byte words rise from `base` by `step`, or of rows of one byte all over."""

    tile: Tile
    base: U64 | Unset = UNSET
    step: U64 | Unset = UNSET
    fill_byte: U8 | Unset = UNSET
    stride: Literal[0] | Unset = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        given = tuple(value is not UNSET for value in (self.base, self.step, self.fill_byte, self.stride))
        if given not in {(True, True, False, False), (False, False, True, True)}:
            raise ValueError("tileloadd takes base and step, or fill_byte and stride")


class Tilestored(Op, frozen=True, kw_only=True, tag="tilestored"):
    """TILESTORED into 1024 bytes of A5h, rows 64 bytes apart; `crc` is the CRC-32 of these."""

    results = ("crc",)
    tile: Tile
    crc: U32 | Unset = UNSET


class SetXmm3(Op, frozen=True, kw_only=True, tag="set_xmm3"):
    """MOVQ XMM3, val, as legacy SSE."""

    val: U64


class SetYmm2(Op, frozen=True, kw_only=True, tag="set_ymm2"):
    """EVEX VPBROADCASTQ of val into YMM2."""

    val: U64


class SetZmm1(Op, frozen=True, kw_only=True, tag="set_zmm1"):
    """EVEX VPBROADCASTQ of val into ZMM1."""

    val: U64


class SetZmm17(Op, frozen=True, kw_only=True, tag="set_zmm17"):
    """EVEX VPBROADCASTQ of val into ZMM17."""

    val: U64


class SetK1(Op, frozen=True, kw_only=True, tag="set_k1"):
    """KMOVQ K1, val."""

    val: U64


class Wrpkru(Op, frozen=True, kw_only=True, tag="wrpkru"):
    """WRPKRU."""

    val: U32


class Ldmxcsr(Op, frozen=True, kw_only=True, tag="ldmxcsr"):
    """LDMXCSR."""

    val: U32


class Fninit(Op, frozen=True, kw_only=True, tag="fninit"):
    """FNINIT."""


class Vzeroupper(Op, frozen=True, kw_only=True, tag="vzeroupper"):
    """VZEROUPPER."""


class Vzeroall(Op, frozen=True, kw_only=True, tag="vzeroall"):
    """VZEROALL."""


class Cr4Osxsave(Op, frozen=True, kw_only=True, tag="cr4_osxsave"):
    """CR4.OSXSAVE becomes `val`."""

    val: Bit


AnyOp = (
    (Xsetbv | Xgetbv | Wrmsr | Rdmsr | CpuidD | Cr4Osxsave)
    | (Xsave | Xsaveopt | Xsavec | Xsaves | Xrstor | Xrstors)
    | (Poke | Fill | ZeroArea | FillBytes)
    | (Ldtilecfg | Sttilecfg | Tilerelease | Tilezero | Tileloadd | Tilestored | Tdpbssd)
    | (SetXmm3 | SetYmm2 | SetZmm1 | SetZmm17 | SetK1)
    | (Wrpkru | Ldmxcsr | Fninit | Vzeroupper | Vzeroall)
)


def _config(given: bytes, name: str) -> None:
    if len(given) != CONFIG_BYTES:
        raise ValueError(f"{name} has {len(given)} bytes, and should have {CONFIG_BYTES}")
