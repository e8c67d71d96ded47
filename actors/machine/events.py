"""Interrupts, returns from them, and changes of context.

An external interrupt is taken in guest mode always (a VM-exit; it stays pending, since this VMCS does not acknowledge on exit)
and in host mode with IF=1 and no STI shadow. One that is pending is taken before anything else that the CPU could do.
"""

import msgspec

from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved
from actors.machine.step import Effects, Step, done
from actors.machine.vmx import vmexit
from protocol.registers import ExitReason, Work
from protocol.replies import Done, Value, VmExit


def external_interrupt(step: Step) -> Effects:
    """An interrupt arrives: a VM-exit, or the handler's frame; replies the CPL that was interrupted."""
    cpu = step.cpu
    if not cpu.takes_interrupts or (cpu.pending and step.sender not in cpu.pending):
        return ()
    if cpu.in_guest:
        pending = cpu.pending if step.sender in cpu.pending else (*cpu.pending, step.sender)
        arrived = msgspec.structs.replace(step, cpu=msgspec.structs.replace(cpu, pending=pending))
        return vmexit(arrived, VmExit(ExitReason.EXTERNAL_INTERRUPT))
    handler = Frame(step.sender, Kind.HARDIRQ, saved=(Saved(cpu.top.ring, cpu.interrupt_flag),))
    delivered = msgspec.structs.replace(
        cpu,
        frames=(*cpu.frames, handler),
        interrupt_flag=False,
        pending=tuple(source for source in cpu.pending if source != step.sender),
    )
    return done(delivered, Value(cpu.top.ring.cpl))


def iret(step: Step) -> Effects:
    """Return from the innermost exception, system call or interrupt; work is left to the context that was interrupted."""
    cpu, frame = step.cpu, step.cpu.top
    if not frame.saved:
        raise RuntimeError(f"{step.sender.name} returns from an interrupt, but is in none")
    back = frame.saved[-1]
    if frame.kind is Kind.HARDIRQ and len(frame.saved) == 1:
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
    """The kernel's switch_to: from here on the CPU runs `next`; not enabled while `next` is still on another CPU."""
    cpu, coming = step.cpu, step.message.next
    if cpu.top.kind is not Kind.TASK or len(cpu.frames) != 1:
        raise RuntimeError(f"{step.sender.name} calls switch_to outside a task's own context")
    rest: Placement = step.values[coming.placement]
    if rest.frame is None:
        return ()
    after = msgspec.structs.replace(cpu, frames=(rest.frame,))
    return done(
        after,
        Done(),
        (step.sender.placement, Placement(None, cpu.top)),
        (coming.placement, Placement(step.number)),
    )
