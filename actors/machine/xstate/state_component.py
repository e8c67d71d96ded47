"""One state component as a sub-leaf of CPUID leaf 0DH enumerates it (SDM volume 1, 13.2)."""

import msgspec


class StateComponent(msgspec.Struct, frozen=True, cache_hash=True):
    """CPUID.(EAX=0DH,ECX=number), number > 1: EAX is `size`, EBX `offset`, both in bytes, and ECX the three flags.

    `offset` is where the component lies in the standard format, from the beginning of the area; 0 for supervisor state.
    `align64`: in the compacted format it begins on a 64-byte boundary. `xfd`: IA32_XFD has a bit for it.
    """

    number: int
    size: int
    offset: int = 0
    supervisor: bool = False
    align64: bool = False
    xfd: bool = False


def overlap(one: StateComponent, other: StateComponent) -> bool:
    """Say whether two user components share bytes of the standard format."""
    return one.offset < other.offset + other.size and other.offset < one.offset + one.size
