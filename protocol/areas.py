"""What instructions read and write as a whole in memory: VMX MSR areas, XSAVE areas, and which of their pages are there."""

from typing import Literal

import msgspec

from protocol.handles import Cell
from protocol.registers import Uint64, check_words

Extents = tuple[tuple[int, int], ...]
"""Stretches of an area in bytes from its start, each as its first byte and the one behind its last."""

Encoding = Literal["", "lock", "66", "reg"]
"""How an instruction is encoded that has a proper encoding, or what makes it none: a LOCK or 66H prefix, ModRM.mod = 3."""


class MsrEntry(msgspec.Struct, frozen=True, tag="msr"):
    """One entry of a VMX MSR-load or MSR-store area: the MSR's address and its value, 64 bits each (SDM volume 3, 24.7.2)."""

    index: Uint64
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.index, self.value)


class MsrArea(msgspec.Struct, frozen=True, tag="msr_area"):
    """A VMX MSR area in memory, in the order in which the CPU walks it (SDM volume 3, 24.7.2, 24.8.2)."""

    entries: tuple[MsrEntry, ...] = ()


class XsaveArea(msgspec.Struct, frozen=True, cache_hash=True, tag="xsave_area"):
    """An XSAVE area: the header's two words, and the other bytes in pieces, by ascending offset; the rest is zero.

    Offsets are in bytes from the area's start (SDM volume 1, 13.4). What the pieces are, and how an area is read and written,
    is in `actors.machine.xstate.area`. Raises ValueError for words of more than 64 bits.
    """

    xstate_bv: Uint64 = 0
    xcomp_bv: Uint64 = 0
    offsets: tuple[int, ...] = ()
    contents: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if (self.xstate_bv | self.xcomp_bv) >> 64:
            check_words(self.xstate_bv, self.xcomp_bv)


class Pages(msgspec.Struct, frozen=True, cache_hash=True, tag="pages"):
    """What of an area cannot be accessed now, as stretches in bytes from its start: not present, or not writable.

    An area need not begin on a page, so its pages' borders are wherever the author puts them. Without any stretch all of it is
    there. Accesses that it forbids are #PF (SDM volume 3, 4.7).
    """

    absent: Extents = ()
    read_only: Extents = ()


_ALL_OF_IT: Extents = ((0, 1 << 32),)

UNMAPPED = Pages(absent=_ALL_OF_IT)
"""No page of the area is there: munmap()."""

WRITE_PROTECTED = Pages(read_only=_ALL_OF_IT)
"""All of the area can be read, and nothing written: mprotect(PROT_READ)."""


class MemoryOperand(msgspec.Struct, frozen=True, cache_hash=True, tag="memory"):
    """An XSAVE area as an operand of which more is to be said than the cell that holds it.

    * `pages`, a cell that holds `Pages`: what of the area can be accessed at this moment. A program that stores there unmaps
      or protects it, for all CPUs in the same step (the TLB is not modelled). None: all of it, always.
    * `address`, the linear address of its first byte; not a multiple of 64: #GP (SDM volume 1, 13.4). Two areas may have the
      same one, in two address spaces. None: an aligned one of its own.
    * `encoding`, empty for a proper one: else the instruction is #UD, wherever the operand is (volume 2, each instruction).
      Three are other instructions, and refused: XRSTOR and XSAVEOPT with a register, XSAVEOPT with 66H.

    Raises ValueError for an address of more than 64 bits.
    """

    area: Cell
    pages: Cell | None = None
    address: Uint64 | None = None
    encoding: Encoding = ""

    def __post_init__(self) -> None:
        if self.address is not None:
            check_words(self.address)
