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
from actors.machine.xstate.leaf_0d import Leaf0D
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


class Description(Leaf0D, frozen=True, cache_hash=True):
    """A CPU as leaf 0DH describes it (see `Leaf0D` for the fields), which can be. Raises ImpossibleCpu."""

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
