"""One instruction on a real CPU: its operands, everything before it, everything after it.

Registers are blobs with the layout of their XSAVE component, `m0` is a page of memory before, and `m1` and `r1` say what has
changed. The recorded CPU has XCR0 = E7h and runs the program at CPL 3.
"""

import re
from typing import Annotated, Literal

import msgspec

from actors.machine.conform.blobs import Blob
from actors.machine.conform.numbers import U32, U64

MEMORY = 2752
"""How many bytes of memory a line records, from the beginning of a page."""

AREA = 2688
"""How many of them an XSAVE area has in standard form."""

ALIGNMENT = 64

Id = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}$")]
Bit = Literal[0, 1]
Vec = Annotated[int, msgspec.Meta(ge=0, le=31)]
ErrorCode = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]
Offset = Annotated[int, msgspec.Meta(ge=0)]

_POSTS = """
none fninit emms fnclex fldz_fstp fld1 fldcw_default vzeroupper vzeroall kxor_all kmov1 kmov1_zero pxor_all
vpxor_xmm_all vpxor_ymm_all vpxorq_zmm_lo16 vpxorq_zmm_hi16 vpxorq_zmm_all pxor_xmm0 movaps_self
vmovaps_ymm_self vmovaps_zmm_self vmovaps_zmm20_self pcmpeq_xmm1 vpcmpeq_xmm1 vpcmpeq_ymm1 vpternlog_zmm1
vpternlog_zmm17 vpternlog_xmm17 ldmxcsr_default ldmxcsr_9fc0
"""
POSTS = frozenset(_POSTS.split())
"""The groups of instructions between the XRSTOR that sets up the registers and the tested instruction."""

_OP = re.compile(
    r"(?:(?P<xsave>xsaveopt|xsavec|xsaves|xsave|xrstors|xrstor)(?P<rexw>64)?"
    r"|(?P<other>xgetbv|xsetbv|rdmsr|wrmsr|tilerelease|ldtilecfg|sttilecfg|tilezero))"
    r"(?P<c32>_c32)?(?:_(?P<form>lock|66|reg))?(?P<late_c32>_c32)?"
)
_WITH_ECX = frozenset(("xgetbv", "xsetbv", "rdmsr", "wrmsr"))
_SIZES = {"x87": 152, "sse": 256, "avx": 256, "k": 64, "zmmh": 512, "hi16": 1024}


class Registers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Register contents, each with the layout of its XSAVE component; None where the line does not say.

    Before the instruction that means the initial value, after it that nothing has changed. `x87` is bytes 0 to 23 of the
    FXSAVE image and then its bytes 32 to 159.
    """

    x87: Blob | None = None
    mxcsr: U32 | None = None
    sse: Blob | None = None
    avx: Blob | None = None
    k: Blob | None = None
    zmmh: Blob | None = None
    hi16: Blob | None = None

    def __post_init__(self) -> None:
        for name, size in _SIZES.items():
            blob = getattr(self, name)
            if blob is not None and len(blob) != size:
                raise ValueError(f"{name} has {len(blob)} bytes, and should have {size}")


class RegistersBefore(Registers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The registers before the instruction: MXCSR is always said."""

    mxcsr: U32


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the registers were set up: an XRSTOR with this XSTATE_BV, at the same address or not, and a group of instructions."""

    xbv: U64
    post: str
    same: Bit

    def __post_init__(self) -> None:
        _check(
            self.post in POSTS,
            f"{self.post[:40]!a} is no group of instructions; there are {', '.join(sorted(POSTS))}",
        )


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exception and its error code."""

    vec: Vec
    err: ErrorCode


class Encoding(msgspec.Struct, frozen=True):
    """What `op` says: the instruction, REX.W, compatibility mode.

    `form` is what is wrong with its encoding: `lock` and `66` are prefixes, `reg` is a register operand (ModRM.mod = 3). The
    name is that of the bytes without it. With it they may be another instruction: see `xstate.faults`.
    """

    instruction: str
    rexw: bool
    compat: bool
    form: str


class HardwareLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instruction on a real CPU.

    `rfbm` is EDX:EAX, not yet ANDed with XCR0, and for XSETBV and WRMSR the value. `off` is where the area begins in the
    memory. `xin0`, `xin1` are XGETBV(1) before and after, `xin32` before in compatibility mode.
    """

    id: Id
    op: str
    rfbm: U64
    setup: Setup
    xin0: U64
    r0: RegistersBefore
    fault: Fault | None
    r1: Registers
    xin1: U64 | None
    ecx: U64 | msgspec.UnsetType = msgspec.UNSET
    off: Offset = 0
    xin32: U64 | msgspec.UnsetType = msgspec.UNSET
    m0: Blob | msgspec.UnsetType = msgspec.UNSET
    m1: tuple[tuple[Offset, Blob], ...] | msgspec.UnsetType = msgspec.UNSET
    edxeax: U64 | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        encoding = self.encoding
        name = encoding.instruction
        _same((self.xin1 is not None), self.fault is None, "xin1", "is null exactly after a fault")
        _same(_given(self.xin32), encoding.compat, "xin32", "stands with _c32 alone")
        _check(_given(self.ecx) or name not in _WITH_ECX or bool(encoding.form), f"{name} lacks ecx")
        _check(_given(self.edxeax) or name != "xgetbv" or self.fault is not None, "xgetbv lacks edxeax")
        _check(not _given(self.edxeax) or name == "xgetbv", "edxeax is the result of xgetbv alone")
        _same(_given(self.m1), _given(self.m0), "m1", "stands exactly where m0 does")
        executed = self.fault is None and name.startswith(("xsave", "xrstor"))
        _check(_given(self.m0) or not executed, f"{name} lacks m0")
        self._check_memory()

    def _check_memory(self) -> None:
        if isinstance(self.m0, msgspec.UnsetType) or isinstance(self.m1, msgspec.UnsetType):
            return
        _check(len(self.m0) == MEMORY, f"m0 has {len(self.m0)} bytes, and should have {MEMORY}")
        fits = self.off + AREA <= MEMORY
        if self.fault is not None or self.off % ALIGNMENT != 0:
            fits = self.off < MEMORY
        _check(fits, f"an area at off {self.off} is not within the memory")
        for offset, blob in self.m1:
            _check(
                offset % 4 == 0 and len(blob) % 4 == 0 and len(blob) > 0 and offset + len(blob) <= MEMORY,
                f"m1 changes {len(blob)} bytes at {offset}, and should change whole words within the memory",
            )

    @property
    def encoding(self) -> Encoding:
        """Take `op` apart; raises ValueError if it is none."""
        match = _OP.fullmatch(self.op)
        if match is None or sum(match[part] is not None for part in ("rexw", "c32", "late_c32")) > 1:
            raise ValueError(f"{self.op[:40]!a} is no instruction that a CPU was recorded to execute")
        name = match["xsave"] or match["other"]
        compat = bool(match["c32"] or match["late_c32"])
        return Encoding(name, bool(match["rexw"]), compat, match["form"] or "")


def _given(value: object) -> bool:
    return value is not msgspec.UNSET


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _same(given: bool, wanted: bool, name: str, rule: str) -> None:
    if given != wanted:
        raise ValueError(f"{name} {'is missing' if wanted else 'does not belong here'}: it {rule}")
