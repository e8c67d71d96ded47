"""A CPU as CPUID leaf 0DH describes it: which state components it has, and how they are laid out.

SDM volume 1, 13.2, and volume 2, CPUID. A description of one's own is made like those in `presets`; one that no CPU can
have is refused with the reason (`impossible`). Components 0 and 1 are always there, in the legacy region, and are not listed.
"""

import functools
import itertools
from collections.abc import Callable

import msgspec

from actors.machine.xstate.components import SSE, SSE_BYTES, X87, X87_BYTES
from actors.machine.xstate.impossible import Rule, broken
from actors.machine.xstate.state_component import StateComponent, overlap
from actors.runtime.errors import VmraceError

__all__ = ("Description", "Facts", "ImpossibleCpu", "StateComponent", "facts", "overlap")


REMEMBERED = 1 << 8
"""Of how many descriptions is kept what follows from them: a run has one, a file of vectors as many as it mentions."""


class ImpossibleCpu(VmraceError, ValueError):
    """A description that no CPU can have; the text says why, and `rule` is the row of `impossible.RULES` that it breaks."""

    def __init__(self, text: str, rule: Rule | None = None) -> None:
        super().__init__(text)
        self.rule = rule


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
        found = broken(self)
        if found is not None:
            rule, reason = found
            raise ImpossibleCpu(f"{self.name} cannot exist: {reason}", rule)

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


@functools.lru_cache(maxsize=REMEMBERED)
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
