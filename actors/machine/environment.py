"""What an instruction finds of the CPU besides its extended state, and of the memory cells that it works on."""

import functools

from actors.machine.kasan import use_after_free
from actors.machine.state import Vmcs, Vmx
from actors.machine.step import Step
from actors.machine.xstate.environment import Environment, Operand
from protocol.areas import MemoryOperand, Pages, XsaveArea
from protocol.extended import OnArea
from protocol.handles import Cell
from protocol.virtualization import Controls

DEFAULT = Controls()


def controls(step: Step) -> Controls:
    """Return the controls of the guest that runs; for instructions whose footprint has the VMCS."""
    if not step.cpu.in_guest:
        return DEFAULT
    vmcs: Vmcs = step.values[Vmx(step.cpu.top.vcpu).vmcs]
    return vmcs.controls


def environment(step: Step) -> Environment:
    """Return privilege, mode, control registers and VMX operation as the instruction finds them; CR4.PKE is 1."""
    cpu = step.cpu
    ring = cpu.top.ring
    return Environment(
        cpl=ring.cpl,
        osxsave=cpu.cr4_osxsave,
        ts=cpu.cr0_ts,
        long_mode=ring.long_mode,
        non_root=cpu.in_guest,
        enable_xsaves=controls(step).enable_xsaves,
    )


@functools.lru_cache(maxsize=1 << 8)
def plainly(area: Cell) -> MemoryOperand:
    """Return the operand of which nothing is said but the cell."""
    return MemoryOperand(area)


def where(message: OnArea) -> MemoryOperand:
    """Return the memory operand of a save or restore."""
    return message.area if isinstance(message.area, MemoryOperand) else plainly(message.area)


def touched(message: OnArea) -> tuple[Cell, ...]:
    """Return the cells that a save or restore reads: none with an encoding that is none, for then it has no operand."""
    found = where(message)
    if found.encoding:
        return ()
    return (found.area,) if found.pages is None else (found.area, found.pages)


def operand(step: Step) -> Operand:
    """Return the area that a save or restore works on; without an address its cell is one, and aligned.

    Raises KasanBug where none is allocated, TypeError where the cell holds something else.
    """
    found = where(step.message)
    if found.encoding:
        return Operand(XsaveArea(), encoding=found.encoding)
    area = step.values[found.area]
    if area is None:
        raise use_after_free(found.area.name)
    if type(area) is not XsaveArea:
        raise TypeError(f"{found.area.name} holds {type(area).__name__}, and no XSAVE area")
    address = found.area if found.address is None else found.address
    return Operand(area, address, step.message.rexw, pages=_pages(step, found.pages))


def _pages(step: Step, cell: Cell | None) -> Pages | None:
    if cell is None:
        return None
    pages = step.values[cell]
    if type(pages) is not Pages:
        raise TypeError(f"{cell.name} holds {type(pages).__name__}, and does not say which pages are there")
    return pages
