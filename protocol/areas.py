"""What instructions read and write as a whole in memory: VMX MSR areas, and XSAVE areas."""

import msgspec

from protocol.registers import Uint64, check_words


class MsrEntry(msgspec.Struct, frozen=True, tag="msr"):
    """One entry of a VMX MSR-load or MSR-store area: the MSR's address and its value."""

    index: Uint64
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.index, self.value)


class MsrArea(msgspec.Struct, frozen=True, tag="msr_area"):
    """A VMX MSR area in memory, in the order in which the CPU walks it (SDM volume 3, 24.7.2, 24.8.2)."""

    entries: tuple[MsrEntry, ...] = ()


class XsaveArea(msgspec.Struct, frozen=True, cache_hash=True, tag="xsave_area"):
    """An XSAVE area: the header's two words, and the other bytes in pieces, by ascending offset; the rest is zero.

    What the pieces are, and how an area is read and written, is in `actors.machine.xstate.area`.
    """

    xstate_bv: Uint64 = 0
    xcomp_bv: Uint64 = 0
    offsets: tuple[int, ...] = ()
    contents: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if (self.xstate_bv | self.xcomp_bv) >> 64:
            check_words(self.xstate_bv, self.xcomp_bv)
