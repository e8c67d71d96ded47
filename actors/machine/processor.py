"""The processor: the device that every program on a CPU sends everything through.

There is one device for all CPUs of a machine, since they are of one model; which CPU handles a message is read from the
sender's placement, so a program addresses "the CPU that I run on" and can be moved. The actors are the CPUs: `cpu0`, `cpu1`.

A message is enabled only if the sender is the context that runs there, and no pending interrupt comes first.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from actors.machine import events, intercepts, vmx
from actors.machine.describe import describe
from actors.machine.environment import touched
from actors.machine.extended import RESTORES, SAVES
from actors.machine.instructions import LONG_MODE, PRIVILEGED, RULES
from actors.machine.model import CpuModel
from actors.machine.state import CpuState, Placement, Vmx, cpu_cell
from actors.machine.step import Effect, Effects, Rule, Step, general_protection, undefined
from actors.runtime import RETRY, Device, Footprint, Gate, Outcome, Outcomes, Read, Values
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.registers import Work


class PerCpu(msgspec.Struct, frozen=True, cache_hash=True):
    """A per-CPU variable or queue: one device for each CPU; a message goes to that of the CPU it is executed on."""

    name: str
    each: tuple[Device, ...]


class Through(msgspec.Struct, frozen=True):
    """A message to another device (memory, a lock, a run queue), executed on the CPU as one instruction."""

    to: Device | PerCpu
    message: Any

    def target(self, cpu: int) -> Device:
        """Return the device meant on that CPU."""
        return self.to.each[cpu] if isinstance(self.to, PerCpu) else self.to


HOST_RULES: dict[type, Rule] = {
    **RULES,
    op.Iret: events.iret,
    op.SwitchTo: events.switch_to,
    op.PlayDead: events.play_dead,
    op.Reset: events.reset,
    op.Vmenter: vmx.vmenter,
    op.Vmread: vmx.vmread,
    op.Vmwrite: vmx.vmwrite,
    op.Vmcontrol: vmx.vmcontrol,
    op.Vminject: vmx.vminject,
}
GUEST_RULES: dict[type, Rule] = {
    **RULES,
    **intercepts.RULES_OF_GUESTS,
    op.Iret: events.iret,
    op.Hlt: vmx.hlt,
}
"""What differs in VMX non-root operation: some instructions may exit, HLT always does, VMX instructions are #UD."""

Cells = tuple[tuple[Cell, ...], tuple[Cell, ...]]
"""Cells read and cells written."""


def _vmx_cells(vcpu: str) -> Cells:
    names = Vmx(vcpu)
    return (names.vmcs, names.guest_msrs, names.host_msrs), (names.vmcs, names.guest_msrs)


def _of_vmcs(message: Any, sender: Program) -> Cells:
    del sender
    cells = (Vmx(message.vcpu).vmcs,)
    return cells, cells


OPERANDS: dict[type, Callable[[Any, Program], Cells]] = {
    op.Load: lambda m, _: ((m.cell,), ()),
    op.Store: lambda m, _: ((m.cell,), (m.cell,)),
    **dict.fromkeys(SAVES, lambda m, _: (touched(m), touched(m)[:1])),
    **dict.fromkeys(RESTORES, lambda m, _: (touched(m), ())),
    **dict.fromkeys(
        (op.SwitchTo, op.PlayDead),
        lambda m, sender: ((m.next.placement,), (sender.placement, m.next.placement)),
    ),
    op.ExternalInterrupt: lambda m, _: ((), ()) if m.request is None else ((m.request,), (m.request,)),
    op.Vmread: lambda m, _: ((Vmx(m.vcpu).vmcs,), ()),
    **dict.fromkeys((op.Vmwrite, op.Vmcontrol, op.Vminject), _of_vmcs),
}
"""The cells besides the CPU's own that an instruction touches, by its operands."""

ARRIVALS: dict[type, Rule] = {
    op.ExternalInterrupt: events.external_interrupt,
    op.Nmi: events.nmi,
    op.MachineCheck: events.machine_check,
}
"""Messages of sources of interrupts, which come from no context that runs."""

LEAVE = frozenset({op.Hlt, *ARRIVALS})
"""Messages that leave a guest always, and so touch its VMCS and MSR areas."""

PLAIN = frozenset({op.Nop, op.Pushf, op.Syscall, op.JmpFar, op.Load, op.Store, op.Current, Through})
"""Messages that neither leave a guest nor raise exceptions, whatever its controls."""


class Runs(Gate, frozen=True):
    """Open while a program is the context that its CPU runs."""

    program: Program

    def is_open(self, read: Read) -> bool:
        """Say whether it is."""
        cpu = _cpu_of(self.program, read)
        return cpu is not None and cpu.frames[-1].program == self.program


class TakesInterrupts(Gate, frozen=True):
    """Open while the CPU of an interrupt source takes interrupts."""

    source: Program

    def is_open(self, read: Read) -> bool:
        """Say whether it does."""
        cpu = _cpu_of(self.source, read)
        return cpu is not None and cpu.takes_interrupts


class TakesNmis(Gate, frozen=True):
    """Open while the CPU of a source of NMIs or machine checks runs, and no NMI is served if it is one of NMIs."""

    source: Program
    nmi: bool

    def is_open(self, read: Read) -> bool:
        """Say whether one could come."""
        cpu = _cpu_of(self.source, read)
        return cpu is not None and not cpu.stopped and not (self.nmi and cpu.nmi_blocked)


def _cpu_of(program: Program, read: Read) -> CpuState | None:
    placement: Placement = read(program.placement)
    return read(cpu_cell(placement.cpu)) if placement.cpu is not None else None


class Processor(Device, frozen=True):
    """All CPUs of a machine, as a device."""

    model: CpuModel

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """The sender's placement, its CPU, and what the instruction's operands and a VM-exit touch."""
        placement: Placement = read(sender.placement)
        if placement.cpu is None:
            return Footprint(actor="off cpu")
        cell = cpu_cell(placement.cpu)
        reads, writes = self._cells(sender, message, read, cell, placement.cpu)
        return Footprint((cell, *reads), (cell, *writes), cell.name)

    @staticmethod
    def _cells(sender: Program, message: Any, read: Read, cell: Cell, number: int) -> Cells:
        if isinstance(message, Through):
            through = message.target(number).footprint(sender, message.message, read)
            return through.reads, through.writes
        if isinstance(message, op.Vmenter):
            vmcs = read(Vmx(message.vcpu).vmcs)
            reads, writes = _vmx_cells(message.vcpu)
            of_guest = _guest_cells(message, read(cell), read)
            return (*reads, *of_guest[0]), (*writes, vmcs.frame.program.placement, *of_guest[1])
        operands = OPERANDS.get(type(message))
        reads, writes = operands(message, sender) if operands is not None else ((), ())
        if type(message) in PLAIN:
            return reads, writes
        of_guest = _guest_cells(message, read(cell), read)
        return (*reads, *of_guest[0]), (*writes, *of_guest[1])

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Execute one message of the context that runs; see the tables."""
        placement: Placement = values[sender.placement]
        if placement.cpu is None:
            return ()
        cell = cpu_cell(placement.cpu)
        cpu: CpuState = values[cell]
        if cpu.frames[-1].program != sender and type(message) not in ARRIVALS:
            return ()
        step = Step(placement.cpu, cpu, sender, message, values, self.model)
        return tuple(
            Outcome(effect.reply, _written(step, effect, cell), effect.label) for effect in _execute(step)
        )

    def gate(self, sender: Program, message: Any) -> Gate:
        """A context executes while it is the one that runs; an interrupt arrives while it is taken."""
        kind = type(message)
        if kind not in ARRIVALS:
            return Runs(sender)
        return TakesInterrupts(sender) if kind is op.ExternalInterrupt else TakesNmis(sender, kind is op.Nmi)

    def describe(self, message: Any) -> str:
        """The instruction as it is written in a listing."""
        if isinstance(message, Through):
            if isinstance(message.to, PerCpu):
                text = message.to.each[0].describe(message.message)
                return "this_cpu " + text.replace(message.to.each[0].name, message.to.name, 1)
            return message.to.describe(message.message)
        return describe(message)


def _guest_cells(message: Any, cpu: CpuState, read: Read) -> Cells:
    """Return what a message touches of the guest that runs, if one does: its controls, or all that a VM-exit touches."""
    if not cpu.in_guest:
        return (), ()
    cells = _vmx_cells(cpu.top.vcpu)
    if type(message) in LEAVE:
        return cells
    vmcs = read(cells[0][0])
    return cells if intercepts.may_leave(message, cpu, vmcs) else ((), ())


def _written(step: Step, effect: Effect, cell: Cell) -> tuple[tuple[Cell, Any], ...]:
    """Return the new values of cells; the STI shadow lasts for one instruction of its context."""
    after = effect.cpu
    if step.cpu.sti_shadow and after.sti_shadow:
        after = msgspec.structs.replace(after, sti_shadow=False)
    return effect.writes if after is step.cpu else ((cell, after), *effect.writes)


def _execute(step: Step) -> Effects:
    arrives = ARRIVALS.get(type(step.message))
    if arrives is not None:
        return arrives(step)
    cpu = step.cpu
    frame = cpu.top
    if cpu.pending_nmi or (cpu.pending and cpu.takes_interrupts):
        return ()
    if frame.work is not Work.NONE:
        idle = msgspec.structs.replace(frame, work=Work.NONE)
        return (
            Effect(msgspec.structs.replace(cpu, frames=(*cpu.frames[:-1], idle)), vmx.resume_frame(frame)),
        )
    if frame.event is not None and not intercepts.answered(step):
        return vmx.deliver(step, frame.event)
    if isinstance(step.message, Through):
        return _through(step)
    if not cpu.in_guest:
        return _instruction(step, HOST_RULES)
    effects = _instruction(step, GUEST_RULES)
    return effects if type(step.message) in PLAIN else intercepts.exceptions(step, effects)


def _instruction(step: Step, rules: dict[type, Rule]) -> Effects:
    kind, ring = type(step.message), step.cpu.top.ring
    if kind in LONG_MODE and not ring.long_mode:
        return undefined(step)
    if kind in PRIVILEGED and ring.cpl:
        return general_protection(step)
    return rules.get(kind, undefined)(step)


def _through(step: Step) -> Effects:
    """Let another device handle the message on this CPU, in the same step."""
    outcomes = step.message.target(step.number).handle(step.sender, step.message.message, step.values)
    if any(outcome.reply is RETRY for outcome in outcomes):
        raise RuntimeError(f"{step.message.to.name} cannot be used through a CPU: it keeps messages pending")
    return tuple(Effect(step.cpu, outcome.reply, outcome.writes, outcome.label) for outcome in outcomes)
