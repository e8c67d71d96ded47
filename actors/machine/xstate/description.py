"""A CPU as CPUID leaf 0DH describes it: which state components it has, and how they are laid out.

SDM volume 1, 13.2, and volume 2, CPUID. A description of one's own is made like those in `presets`; one that no CPU can
have is refused with the reason. Components 0 and 1 are always there, in the legacy region, and are not listed.
"""

import functools
import itertools
from collections.abc import Callable, Iterator

import msgspec

from actors.machine.xstate.components import AVX, AVX512, MPX, SSE, SSE_BYTES, TILES, X87, X87_BYTES, bits
from actors.runtime.errors import VmraceError
from protocol.registers import Component

EXTENDED_REGION = 576
"""Where components from 2 on begin: behind the legacy region (512 bytes) and the header (64 bytes)."""


class ImpossibleCpu(VmraceError, ValueError):
    """A description that no CPU can have; the text names the rule that it breaks."""


class StateComponent(msgspec.Struct, frozen=True, cache_hash=True):
    """CPUID.(EAX=0DH,ECX=number), number > 1: EAX is `size`, EBX `offset`, and ECX the three flags."""

    number: int
    size: int
    offset: int = 0
    supervisor: bool = False
    align64: bool = False
    xfd: bool = False


class Description(msgspec.Struct, frozen=True, cache_hash=True):
    """All of CPUID leaf 0DH, and what else tells CPUs apart here: linear-address bits, MXCSR_MASK, and `amx_ts`.

    The first five flags are CPUID.(EAX=0DH,ECX=1):EAX[4:0], under the names of what they enumerate. `amx_ts`: AMX instructions
    raise #NM if CR0.TS = 1. No source that could be had settles it: KVM's developers reason that this #NM comes before that of
    XFD, the emulator of the vectors executes LDTILECFG and TILEZERO with CR0.TS = 1. Raises ImpossibleCpu.
    """

    name: str
    components: tuple[StateComponent, ...]
    xsaveopt: bool = True
    xsavec: bool = True
    xgetbv1: bool = True
    xsaves: bool = True
    xfd: bool = False
    linear_bits: int = 57
    mxcsr_mask: int = 0xFFFF
    amx_ts: bool = True

    def __post_init__(self) -> None:
        for rule in RULES:
            for reason in rule(self):
                raise ImpossibleCpu(f"{self.name} cannot exist: {reason}")

    @property
    def xcr0(self) -> int:
        """CPUID.(EAX=0DH,ECX=0):EDX:EAX: the bits that XCR0 supports."""
        return facts(self).xcr0

    @property
    def xss(self) -> int:
        """CPUID.(EAX=0DH,ECX=1):EDX:ECX: the bits that IA32_XSS supports."""
        return facts(self).xss

    @property
    def xfd_capable(self) -> int:
        """The bits that IA32_XFD and IA32_XFD_ERR support."""
        return facts(self).xfd_capable

    def size(self, component: int) -> int:
        """Return the number of bytes of a component's content."""
        return facts(self).size[component]


class Facts(msgspec.Struct, frozen=True):
    """What follows from a description, computed once."""

    xcr0: int
    xss: int
    xfd_capable: int
    size: dict[int, int]
    component: dict[int, StateComponent]
    overlapping: bool


@functools.cache
def facts(description: Description) -> Facts:
    """Return the masks and tables of a description."""
    component = {one.number: one for one in description.components}
    user = [one for one in description.components if not one.supervisor]

    def mask(chosen: Callable[[StateComponent], bool]) -> int:
        return sum(1 << number for number, one in component.items() if chosen(one))

    return Facts(
        X87 | SSE | mask(lambda one: not one.supervisor),
        mask(lambda one: one.supervisor),
        mask(lambda one: one.xfd),
        {0: X87_BYTES, 1: SSE_BYTES} | {number: one.size for number, one in component.items()},
        component,
        any(overlap(one, other) for one, other in itertools.combinations(user, 2)),
    )


# What no CPU can have. Each rule yields its reasons.

_SUPERVISOR = frozenset({8, 10, 11, 12, 13, 14, 15, 16})
_USER = frozenset({2, 3, 4, 5, 6, 7, 9, 17, 18})
_SIZES: dict[int, int] = {
    2: 256,
    3: 64,
    4: 64,
    5: 64,
    6: 512,
    7: 1024,
    8: 128,
    10: 8,
    11: 16,
    12: 24,
    13: 8,
    14: 48,
    16: 8,
    17: 64,
    18: 8192,
}
_LARGEST = 62
_MXCSR_BITS = 0xFFFF


def _name(number: int) -> str:
    known = number in Component._value2member_map_
    return f"component {number} ({Component(number).name})" if known else f"component {number}"


def _numbers(cpu: Description) -> Iterator[str]:
    seen = set()
    for one in cpu.components:
        if one.number <= 1 and one.xfd:
            yield f"{_name(one.number)} cannot be disabled by XFD"
        if one.number <= 1:
            yield f"{_name(one.number)} lies in the legacy region and cannot be moved or resized"
        if one.number > _LARGEST:
            yield f"component {one.number}: a bitmap has components 2 to 62"
        if one.number in seen:
            yield f"{_name(one.number)} is described twice"
        seen.add(one.number)


def _sizes(cpu: Description) -> Iterator[str]:
    for one in cpu.components:
        if one.size <= 0:
            yield f"{_name(one.number)} has no bytes"
        if one.size != _SIZES.get(one.number, one.size):
            yield f"{_name(one.number)} has {_SIZES[one.number]} bytes, not {one.size}"
        if one.number == Component.PKRU and one.size < 8:  # noqa: PLR2004  # PKRU and its padding
            yield f"{_name(one.number)} has at least 8 bytes"


def _registers(cpu: Description) -> Iterator[str]:
    for one in cpu.components:
        if one.supervisor and one.number in _USER:
            yield f"{_name(one.number)} is user state, managed by XCR0"
        if not one.supervisor and one.number in _SUPERVISOR:
            yield f"{_name(one.number)} is supervisor state: XCR0 has no bit for it"


def _offsets(cpu: Description) -> Iterator[str]:
    for one in cpu.components:
        if one.supervisor and one.offset:
            yield f"{_name(one.number)} is supervisor state, which the standard format has no place for"
        if not one.supervisor and one.offset < EXTENDED_REGION:
            yield f"{_name(one.number)} at {one.offset} lies in the legacy region or the header"
    user = sorted((one for one in cpu.components if not one.supervisor), key=lambda one: one.number)
    for at, one in enumerate(user):
        for other in user[at + 1 :]:
            if overlap(one, other) and not (1 << one.number & MPX and other.number == Component.APX):
                yield f"{_name(one.number)} and {_name(other.number)} overlap in the standard format"


def overlap(one: StateComponent, other: StateComponent) -> bool:
    """Say whether two user components share bytes of the standard format."""
    return one.offset < other.offset + other.size and other.offset < one.offset + one.size


def _features(cpu: Description) -> Iterator[str]:
    if cpu.xsaves and not cpu.xsavec:
        yield "XSAVES without XSAVEC, whose compacted format it writes"
    if cpu.xfd and not cpu.xsaves:
        yield "XFD without XSAVES"
    for one in cpu.components:
        if one.supervisor and not cpu.xsaves:
            yield f"{_name(one.number)} is supervisor state, and there is no XSAVES"
        if one.xfd and not cpu.xfd:
            yield f"{_name(one.number)} is XFD-capable, and CPUID.(EAX=0DH,ECX=1):EAX[4] = 0"
        if one.xfd and one.supervisor:
            yield f"{_name(one.number)} is supervisor state, which XFD does not disable"


def _together(cpu: Description) -> Iterator[str]:
    has = sum(1 << one.number for one in cpu.components)
    for group, what in ((MPX, "MPX"), (AVX512, "AVX-512"), (TILES, "AMX")):
        missing = group & ~has
        if has & group and missing:
            yield f"{what} state lacks {', '.join(_name(number) for number in bits(missing))}"
    if has & AVX512 and not has & AVX:
        yield "AVX-512 state without AVX state"


def _constants(cpu: Description) -> Iterator[str]:
    if cpu.linear_bits not in {48, 57}:
        yield f"{cpu.linear_bits} linear-address bits: 48 or 57"
    if not 0 < cpu.mxcsr_mask <= _MXCSR_BITS:
        yield f"MXCSR_MASK {cpu.mxcsr_mask:#x}: MXCSR has bits 15:0"


RULES: tuple[Callable[[Description], Iterator[str]], ...] = (
    _numbers,
    _sizes,
    _registers,
    _offsets,
    _features,
    _together,
    _constants,
)
