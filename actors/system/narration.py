"""How a step on a CPU is told: replies in an assembler's words, the registers that changed, and ftrace's margin.

A record's reader wants XFD and XFD_ERR before and after, not the value of a whole CPU. What the margin or the next row says
anyway (IF, the stack of contexts, placements) is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from actors.machine.describe import component_names
from actors.machine.processor import ARRIVALS, Through
from actors.machine.state import CpuState, Kind, cpu_cell
from actors.machine.xstate.components import COMPACTED
from actors.runtime.device import Retry
from actors.runtime.devices.run_queue import Move
from actors.runtime.devices.variable import Exchange, FetchAdd, FetchAnd, FetchOr, Store
from actors.runtime.values import show
from actors.system.entry.hotplug import TakeDown
from actors.system.entry.ipi import RESCHEDULE_VECTOR
from actors.system.kernel.data import Kernel, Task
from actors.system.kernel.flags import NONE, SIGNALLING, Flags, SendSignal
from actors.system.kernel.mm import Mprotect, Reclaim
from actors.system.kernel.preempt_count import (
    HARDIRQ_MASK,
    NMI_MASK,
    PREEMPT_MASK,
    SOFTIRQ_MASK,
    SOFTIRQ_OFFSET,
)
from actors.system.kernel.vmalloc import Leak, Vfree, Vzalloc
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.records import Change, Step
from protocol.registers import Component, Vector
from protocol.replies import Data, Done, Fault, Interrupted, PageFault, Value, VmExit


def reply_text(reply: Any) -> str:
    """Return a reply as text: a value, `#NM`, an exit reason; nothing for an instruction that just retires."""
    match reply:
        case None | Done() | Retry():
            return ""
        case Value(value=value):
            return f"{value:#x}" if value else "0"
        case Data(data=data):
            return show(data)
        case PageFault(vector=vector, address=address):
            return f"#{vector.name} at {address:#x}"
        case Fault(vector=vector):
            return f"#{vector.name}"
        case op.XsaveArea():
            return _area(reply)
        case VmExit(reason=reason, vector=vector):
            what = reason.name.lower().replace("_", " ")
            return what if vector is None else f"{what} #{vector.name}"
        case Interrupted(work=work):
            return f"interrupted: {work.name.lower()}"
    return show(reply)


def event_of(message: Any, event: str, program: str, before: Mapping[Cell, Any]) -> str:
    """Return the class of asynchronous event that a step of a source of `event` is, or nothing.

    A move of the load balancer is one, a CPU that goes offline, a signal when it is sent, and an interrupt when it arrives;
    what its handler does then is not, nor is the IPI that makes a CPU look at its signals.
    """
    if isinstance(message, Move | TakeDown | SendSignal | Mprotect | Reclaim):
        return event
    if type(message) not in ARRIVALS or event == "signal":
        return ""
    states = [value for value in before.values() if isinstance(value, CpuState)]
    source = Program(program)
    return "" if any(source in (*state.pending, state.pending_nmi) for state in states) else event


def told_as(step: Step, message: Any, event: str) -> Step:
    """Tell an interrupt by the class of event of its source: `preemption interrupt 0xec`.

    To the CPU all are external interrupts, which is also a class. An IPI is told by what it is.
    """
    if not isinstance(message, op.ExternalInterrupt) or message.request is not None or not event:
        return step
    if message.vector == RESCHEDULE_VECTOR:
        what = "reschedule IPI"
    else:
        what = event if event.endswith("interrupt") else f"{event} interrupt"
    return msgspec.structs.replace(step, text=f"{what} {message.vector:#x}")


_NOTABLE = frozenset({Vector.GP, Vector.PF})
"""Exceptions that are nobody's ordinary course; #NM is."""


def annotate(
    step: Step,
    message: Any,
    reply: Any,
    before: Mapping[Cell, Any],
    after: Mapping[Cell, Any],
    kernel: Kernel,
) -> Step:
    """Tell a step of a machine; see the module."""
    number = next((n for n in range(len(kernel.idle.each)) if cpu_cell(n) in before), None)
    stored = isinstance(message, op.Store) or (
        isinstance(message, Through) and isinstance(message.message, Store | FetchAdd | Exchange)
    )
    changes = tuple(_changes(before, after, number))
    if _in_margin(message, kernel) or isinstance(message, TakeDown):
        changes, reply = (), None
    text = step.text
    if isinstance(message, Move):
        text = f"move to {message.to.name.split('.')[0]}"
    elif stored and changes:
        text = " ".join(text.split(" ")[: 1 + text.startswith("this_cpu")])
    return msgspec.structs.replace(
        step,
        text=text,
        reply="" if type(message) in ARRIVALS else reply_text(reply),
        changes=changes,
        notable=isinstance(reply, Fault) and reply.vector in _NOTABLE,
        margin="" if number is None else _margin(number, before, after, kernel),
    )


def _in_margin(message: Any, kernel: Kernel) -> bool:
    """Say whether the margin tells what this step does, to TIF_NEED_RESCHED or preempt_count, or the text does."""
    if not isinstance(message, Through):
        return False
    told = FetchOr | FetchAnd | SIGNALLING | Vzalloc | Vfree | Leak
    return message.to == kernel.preempt_count or isinstance(message.message, told)


def _changes(before: Mapping[Cell, Any], after: Mapping[Cell, Any], number: int | None) -> Iterator[Change]:
    """Say which registers and which memory changed."""
    for cell in sorted(before, key=lambda one: one.name):
        old, new = before[cell], after[cell]
        if number is not None and cell == cpu_cell(number):
            yield from _registers(cell.name, old, new)
        elif isinstance(new, op.XsaveArea) or isinstance(old, op.XsaveArea):
            if old != new:
                yield Change(cell.name, "", *_areas(old, new))
        elif isinstance(new, op.Pages):
            if old != new:
                yield Change(cell.name, "", _mapping(old), _mapping(new))
        elif old != new and (new is None or isinstance(new, int | str | bytes | bool | Program)):
            yield Change(cell.name, _per_cpu(cell.name, number), show(old), show(new))


def _per_cpu(cell: str, number: int | None) -> str:
    """Return the name of a per-CPU variable of the CPU that the step is on; nothing for another cell."""
    prefix = f"cpu{number}."
    return cell.removeprefix(prefix) if cell.startswith(prefix) else ""


_FIELDS = (("xfd", "XFD"), ("xfd_err", "XFD_ERR"), ("xcr0", "XCR0"), ("xss", "XSS"), ("mxcsr", "MXCSR"))
_BITS = (("cr0_ts", "CR0.TS"), ("cr4_osxsave", "CR4.OSXSAVE"))


def _registers(cell: str, old: CpuState, new: CpuState) -> Iterator[Change]:
    for field, name in _FIELDS:
        was, now = getattr(old.x, field), getattr(new.x, field)
        if was != now:
            yield Change(cell, name, _hex(was), _hex(now))
    for component in Component:
        bit = 1 << component
        if old.x.in_use & bit != new.x.in_use & bit or old.x.held(component) != new.x.held(component):
            yield Change(cell, component.name, _content(old, component), _content(new, component))
    if old.top.program != new.top.program:
        yield Change(cell, "runs", old.top.program.name, new.top.program.name)
    for field, name in _BITS:
        if getattr(old, field) != getattr(new, field):
            yield Change(cell, name, str(int(getattr(old, field))), str(int(getattr(new, field))))


def _hex(value: int) -> str:
    return f"{value:#x}" if value else "0"


def _content(cpu: CpuState, component: int) -> str:
    if not cpu.x.in_use >> component & 1:
        return "init"
    if component == Component.TILECFG:
        return "set"
    held = cpu.x.held(component)
    return ("zero" if component > Component.SSE else "initial") if held is None else show(held)


def _areas(old: op.XsaveArea | None, new: op.XsaveArea | None) -> tuple[str, str]:
    """Tell two areas apart: by the components that they hold, or else by the first bytes that differ."""
    if old is None or new is None or old.xstate_bv != new.xstate_bv:
        return _area(old), _area(new)
    pieces = [dict(zip(area.offsets, area.contents, strict=True)) for area in (old, new)]
    differ = (at for at in sorted({*old.offsets, *new.offsets}) if pieces[0].get(at) != pieces[1].get(at))
    at = next(differ, None)
    before, after = (show(one.get(at, b"")) if at is not None else "" for one in pieces)
    return f"{_area(old)} {before}".rstrip(), after or _area(new)


def _area(area: op.XsaveArea | None) -> str:
    """Return the components in an area, and its XCOMP_BV where that has bits of none; or that it is not allocated, or freed."""
    if area is None:
        return "none"
    bogus = area.xcomp_bv & ~COMPACTED & ~sum(1 << component for component in Component)
    return f"[{component_names(area.xstate_bv)}]" + (f" XCOMP_BV {area.xcomp_bv:#x}" if bogus else "")


_MAPPINGS: dict[op.Pages, str] = {
    op.Pages(): "mapped",
    op.UNMAPPED: "unmapped",
    op.WRITE_PROTECTED: "read-only",
}


def _mapping(pages: op.Pages) -> str:
    return _MAPPINGS.get(pages, "partly mapped")


def _margin(number: int, before: Mapping[Cell, Any], after: Mapping[Cell, Any], kernel: Kernel) -> str:
    """Irqs off, need_resched, context, depth of preempt_count, before the step: `d.h1`; `g` is a guest."""

    def value(cell: Cell) -> Any:
        return before.get(cell, after.get(cell))

    state: CpuState = before[cpu_cell(number)]
    count: int = value(Cell(f"cpu{number}.{kernel.preempt_count.name}"))
    flags = value(Task(state.frames[0].program).flags.cell) or NONE
    irqs = "." if state.interrupt_flag else "d"
    resched = "N" if flags & Flags.TIF_NEED_RESCHED else "."
    return f"{irqs}{resched}{_context(state, count)}{count & PREEMPT_MASK or '.'}"


def _context(state: CpuState, count: int) -> str:
    """Return what the CPU serves, as ftrace tells it: NMI, hard interrupt, softirq, both; or a guest."""
    if state.in_guest:
        return "g"
    if count & NMI_MASK:
        return "Z" if count & HARDIRQ_MASK else "z"
    hardirq = count & HARDIRQ_MASK or (state.top.kind is Kind.HARDIRQ and not count & SOFTIRQ_MASK)
    softirq = count & SOFTIRQ_MASK & SOFTIRQ_OFFSET
    if hardirq:
        return "H" if softirq else "h"
    return "s" if softirq else "."
