"""Interrupts, returns from them, changes of context, and reset.

An external interrupt is taken in guest mode always (a VM-exit; it stays pending, since this VMCS does not acknowledge on exit)
and in host mode with IF=1 and no STI shadow. One that is pending is taken before anything else that the CPU could do.

An NMI is taken between any two instructions, whatever IF is and also in the shadow of STI, but not while another is served:
from its delivery to the next IRET, be it that of an exception inside the handler, NMIs are blocked (SDM volume 3, 6.7.1). So is a
machine check, which blocks no NMI and is blocked by none; a second one inside its handler would shut the CPU down (15.3.1.2),
and does not come here. In guest mode both are VM-exits, and are delivered before the host's next instruction, as a
hypervisor does it that calls the handler right there.
"""

from typing import Any

import msgspec

from actors.machine.state import HANDLERS, CpuState, Frame, Kind, Placement, Ring, Saved
from actors.machine.step import Effects, Step, done
from actors.machine.vmx import vmexit
from actors.machine.xstate.registers import XState
from protocol.handles import Cell
from protocol.registers import ExitReason, Vector, Work
from protocol.replies import Done, Value, VmExit


def external_interrupt(step: Step) -> Effects:
    """An interrupt arrives: a VM-exit, or the handler's frame; replies the CPL that was interrupted."""
    cpu = step.cpu
    if not cpu.takes_interrupts or (cpu.pending and step.sender not in cpu.pending) or cpu.pending_nmi:
        return ()
    request = step.message.request
    if request is not None and not step.values[request]:
        return ()
    if cpu.in_guest:
        pending = cpu.pending if step.sender in cpu.pending else (*cpu.pending, step.sender)
        arrived = msgspec.structs.replace(step, cpu=msgspec.structs.replace(cpu, pending=pending))
        return vmexit(arrived, VmExit(ExitReason.EXTERNAL_INTERRUPT))
    left = tuple(source for source in cpu.pending if source != step.sender)
    acknowledged = () if request is None else ((request, False),)
    return _delivered(step, Kind.HARDIRQ, *acknowledged, pending=left)


def _delivered(step: Step, kind: Kind, *writes: tuple[Cell, Any], **changed: Any) -> Effects:
    """The handler's frame on top, with interrupts off."""
    cpu = step.cpu
    handler = Frame(step.sender, kind, saved=(Saved(cpu.top.ring, cpu.interrupt_flag),))
    frames = (*cpu.frames, handler)
    after = msgspec.structs.replace(cpu, frames=frames, interrupt_flag=False, **changed)
    return done(after, Value(cpu.top.ring.cpl), *writes)


def nmi(step: Step) -> Effects:
    """An NMI arrives: a VM-exit, or the handler's frame; replies the CPL that was interrupted."""
    if step.cpu.nmi_blocked or not _heard(step):
        return ()
    if step.cpu.in_guest:
        return _left_guest(step, Vector.NMI)
    return _delivered(step, Kind.NMI, pending_nmi=None, nmi_blocked=True)


def machine_check(step: Step) -> Effects:
    """A machine check: a VM-exit, or the handler's frame; replies the CPL that was interrupted."""
    if any(frame.kind is Kind.MCE for frame in step.cpu.frames) or not _heard(step):
        return ()
    if step.cpu.in_guest:
        return _left_guest(step, Vector.MC)
    return _delivered(step, Kind.MCE, pending_nmi=None)


def _heard(step: Step) -> bool:
    """Say whether the CPU runs, and no other event that came first waits to be delivered."""
    return not step.cpu.stopped and step.cpu.pending_nmi in {None, step.sender}


def _left_guest(step: Step, vector: Vector) -> Effects:
    arrived = msgspec.structs.replace(step.cpu, pending_nmi=step.sender)
    return vmexit(
        msgspec.structs.replace(step, cpu=arrived), VmExit(ExitReason.EXCEPTION_OR_NMI, vector=vector)
    )


def iret(step: Step) -> Effects:
    """Return from the innermost exception, system call or interrupt; work is left to the context that was interrupted."""
    cpu, frame = step.cpu, step.cpu.top
    if not frame.saved:
        raise RuntimeError(f"{step.sender.name} returns from an interrupt, but is in none")
    back = frame.saved[-1]
    if cpu.nmi_blocked:
        cpu = msgspec.structs.replace(cpu, nmi_blocked=False)
    if frame.kind in HANDLERS and len(frame.saved) == 1:
        return done(_interrupted(cpu, back, step.message.work))
    returned = msgspec.structs.replace(frame, saved=frame.saved[:-1], ring=back.ring)
    frames = (*cpu.frames[:-1], returned)
    return done(msgspec.structs.replace(cpu, frames=frames, interrupt_flag=back.interrupt_flag))


def _interrupted(cpu: CpuState, back: Saved, work: Work) -> CpuState:
    """The handler's frame is gone. With work, the context below finds itself in the kernel with IF=0, and does it first."""
    below = cpu.frames[-2]
    if work is Work.NONE:
        return msgspec.structs.replace(cpu, frames=cpu.frames[:-1], interrupt_flag=back.interrupt_flag)
    busy = msgspec.structs.replace(below, ring=Ring.KERNEL, saved=(*below.saved, back), work=work)
    return msgspec.structs.replace(cpu, frames=(*cpu.frames[:-2], busy), interrupt_flag=False)


def switch_to(step: Step) -> Effects:
    """The kernel's switch_to: from here on the CPU runs `next`; raises RuntimeError if that runs on a CPU already."""
    cpu, coming = step.cpu, step.message.next
    if cpu.top.kind not in {Kind.TASK, Kind.BOOT} or len(cpu.frames) != 1:
        raise RuntimeError(f"{step.sender.name} calls switch_to outside a task's own context")
    rest: Placement = step.values[coming.placement]
    if rest.cpu is not None:
        raise RuntimeError(
            f"{step.sender.name} on CPU {step.number} switches to {coming.name}, which runs on CPU {rest.cpu}: "
            "a task cannot run on two CPUs at once"
        )
    if rest.frame is None:
        return ()
    after = msgspec.structs.replace(cpu, frames=(rest.frame,))
    return done(
        after,
        Done(),
        (step.sender.placement, Placement(None, cpu.top)),
        (coming.placement, Placement(step.number)),
    )


def play_dead(step: Step) -> Effects:
    """The CPU stops, and `next` has it when it comes up again; nothing reaches it until then."""
    if step.cpu.interrupt_flag:
        raise RuntimeError(
            f"{step.sender.name} stops CPU {step.number} with interrupts on: the next one wakes it"
        )
    return switch_to(step)


def reset(step: Step) -> Effects:
    """Registers have their power-up values (SDM volume 3, 9.1.1); memory is as it was."""
    if not step.cpu.stopped:
        raise RuntimeError(f"{step.sender.name} resets CPU {step.number}, which has not stopped")
    return done(CpuState(step.cpu.frames, XState(), interrupt_flag=False, cr4_osxsave=False))
