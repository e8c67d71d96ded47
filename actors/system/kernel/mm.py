"""User memory that can go away: areas, what is mapped there, and what a page fault makes of it.

An area is one mapping, and its cells are memory like any other behind it. `pages` says which accesses the page tables allow
now, `vma` which ones the mapping does: where it allows more, a page fault brings the page in and the access can be tried again;
else the access fails. Page faults and munmap() take mmap_lock, so each of them is one step. A program that is on no CPU of the
machine sends them too: a sibling thread.
"""

from enum import IntFlag
from typing import Any

import msgspec

from actors.runtime import Variable
from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Read, Values
from actors.runtime.devices.variable import Load, Store
from actors.system.kernel.errno import Errno
from protocol.areas import MemoryOperand, Pages, XsaveArea
from protocol.handles import Cell, Program

__plumbing__ = True


class Prot(IntFlag):
    """What a mapping allows; no bit: there is none."""

    NONE = 0
    READ = 1
    WRITE = 2


MAPPED = Prot.READ | Prot.WRITE
"""What stacks and heaps are."""


_SW_BYTES_AT = 464
_END = 1 << 32


class UserArea(msgspec.Struct, frozen=True, cache_hash=True):
    """An XSAVE area in user memory, as a signal frame has one, by the names of its cells.

    `page` is the offset in bytes at which a page begins that can go away, with all that is behind it; what is before it stays.
    `size` is how many bytes it has, from the beginning on: an instruction that writes more than that writes what is not its own.
    """

    name: str
    page: int = 0
    size: int = _END

    @property
    def area(self) -> Cell:
        """The bytes."""
        return Cell(self.name)

    @property
    def pages(self) -> Cell:
        """What the page tables allow: Pages."""
        return Cell(f"pages of {self.name}")

    @property
    def vma(self) -> Cell:
        """What the mapping allows: Prot."""
        return Cell(f"vma of {self.name}")

    @property
    def sw_bytes(self) -> Cell:
        """sw_reserved.xfeatures: which components the frame says it has (mask). It is at byte 464 of the area."""
        return Cell(f"sw_bytes of {self.name}")

    @property
    def operand(self) -> MemoryOperand:
        """The area as an instruction's operand, which may #PF."""
        return MemoryOperand(self.area, self.pages)

    def mapped(self, vma: Prot) -> Pages:
        """Return the page tables that allow what the mapping does."""
        if vma & Prot.WRITE:
            return Pages()
        gone = ((self.page, _END),)
        return Pages(read_only=gone) if vma else Pages(absent=gone)

    def always_there(self, cell: Cell) -> bool:
        """Say whether one of the area's cells is on the page that stays."""
        return cell == self.sw_bytes and self.page > _SW_BYTES_AT


class UserAccess(msgspec.Struct, frozen=True):
    """A load or a store of a cell of an area; replies as memory does, or EFAULT if the page tables do not allow it."""

    area: UserArea
    cell: Cell
    message: Load | Store


class HandleMmFault(msgspec.Struct, frozen=True):
    """handle_mm_fault(): bring the page in, if the mapping allows the access; replies whether it did."""

    area: UserArea
    write: bool


class Mprotect(msgspec.Struct, frozen=True):
    """mprotect(), or munmap() where nothing is allowed any more: the mapping, the page tables, all TLBs."""

    area: UserArea
    prot: Prot


class Reclaim(msgspec.Struct, frozen=True):
    """The page is swapped out: the mapping stays."""

    area: UserArea


class Mm(Device, frozen=True):
    """The address space of the user programs."""

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """Page tables and mapping of the area, or the page tables and the cell that is accessed."""
        area: UserArea = message.area
        match message:
            case UserAccess(cell=cell, message=access):
                of_cell = _memory(cell).footprint(sender, access, read)
                return Footprint((area.pages, *of_cell.reads), of_cell.writes, self.name)
            case HandleMmFault():
                return Footprint((area.pages, area.vma), (area.pages,), self.name)
        return Footprint((area.pages, area.vma), (area.pages, area.vma), self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """One outcome each."""
        area: UserArea = message.area
        pages: Pages = values[area.pages]
        match message:
            case UserAccess(cell=cell, message=access):
                allowed = pages == Pages() if isinstance(access, Store) else not pages.absent
                if not allowed and not area.always_there(cell):
                    return (Outcome(Errno.EFAULT),)
                return _memory(cell).handle(sender, access, values)
            case HandleMmFault(write=write):
                vma: Prot = values[area.vma]
                wanted = Prot.WRITE if write else Prot.READ
                return (Outcome(True, ((area.pages, area.mapped(vma)),)) if vma & wanted else Outcome(False),)
            case Mprotect(prot=prot):
                return (Outcome(None, ((area.vma, prot), (area.pages, area.mapped(prot)))),)
            case Reclaim():
                return (Outcome(None, ((area.pages, area.mapped(Prot.NONE)),)),)
        raise TypeError(f"memory has no message {type(message).__name__}")

    def describe(self, message: Any) -> str:
        """`munmap frame`, `put_user sw_bytes of frame`, `handle_mm_fault frame`."""
        name = message.area.name
        match message:
            case UserAccess(cell=cell, message=access):
                return f"{'put_user' if isinstance(access, Store) else 'get_user'} {cell.name}"
            case HandleMmFault(write=write):
                return f"handle_mm_fault {name}, {'write' if write else 'read'}"
            case Mprotect(prot=prot):
                return f"mprotect {name} {prot.name}" if prot else f"munmap {name}"
        return f"reclaim {name}"


def _memory(cell: Cell) -> Variable[Any]:
    """Return the cell as a memory location."""
    return Variable(cell.name)


MM = Mm("mm")
EMPTY = XsaveArea()
"""An area of zeros."""
