"""VM-entry and VM-exit: what switches between host and guest, and what does not.

CR0, CR4 and the context switch with the VMCS. XCR0, XSS, XFD and XFD_ERR do not: only the MSR areas or software switch them
(SDM volume 3, 24.7.2, 24.8.2, 26.4, 27.4, 27.6). The areas are walked in list order with the values that stand in memory, in
the same step as the entry or exit. A VM-entry whose MSR-load area holds a value that WRMSR would refuse fails and has loaded
nothing; an exit whose area does, or whose MSR-store area names an MSR that RDMSR would refuse, is a VMX abort, which this model
raises as an error of the hypervisor's code. So is an entry to a guest that runs on another CPU: its VMCS is active there
(24.1: what happens then is not defined).

An injected exception is delivered with the entry, in place of the guest's next instruction (26.6), which is the one behind an
instruction that the hypervisor has completed; one that an exit overtakes stays, as if the hypervisor had injected it again
from the IDT-vectoring information.
"""

from typing import Any

import msgspec

from actors.machine.model import CpuModel
from actors.machine.results import tracked
from actors.machine.state import CpuState, Frame, Kind, Placement, Vmcs, Vmx
from actors.machine.step import Effect, Effects, Step, done, raise_exception, raised
from actors.machine.xstate import msr
from actors.machine.xstate.environment import KERNEL
from actors.machine.xstate.registers import XState
from actors.runtime import RETRY
from protocol.instructions import MsrArea, MsrEntry
from protocol.registers import ExitReason, Vector
from protocol.replies import Done, Fault, Interrupted, PageFault, Value, VmExit


class VmxAbort(RuntimeError):
    """The CPU gives up in the middle of a VM-exit: the hypervisor has prepared something that cannot be done."""


def load_area(x: XState, area: MsrArea, model: CpuModel) -> tuple[msr.Written, ...]:
    """Return the ways in which loading the area can go; none if an entry is refused."""
    ways: tuple[msr.Written, ...] = (("", x),)
    for entry in area.entries:
        ways = tuple(
            (" ".join(filter(None, (before, label))), tracked(after, model))
            for before, state in ways
            for label, after in msr.ways(state, entry.index, entry.value, model)
        )
    return ways


def store_area(x: XState, area: MsrArea, model: CpuModel) -> MsrArea:
    """Return the area with the current values of its MSRs; raises VmxAbort for one that RDMSR refuses."""
    return MsrArea(tuple(MsrEntry(entry.index, _stored(x, entry.index, model)) for entry in area.entries))


def _stored(x: XState, index: int, model: CpuModel) -> int:
    value = msr.rdmsr(x, index, KERNEL, model).value
    if value is None:
        raise VmxAbort(f"VMX abort: a VM-exit MSR-store area names MSR {index:#x}, which RDMSR refuses")
    return value


def vmenter(step: Step) -> Effects:
    """VMLAUNCH, VMRESUME: the guest's context on top, its IF and CR0.TS in force, its MSR area loaded."""
    vmx = Vmx(step.message.vcpu)
    vmcs: Vmcs = step.values[vmx.vmcs]
    if step.cpu.in_guest or step.cpu.top.kind is not Kind.TASK:
        return raise_exception(step.cpu, Vector.UD)
    if vmcs.active is not None:
        raise RuntimeError(
            f"{step.sender.name} enters {step.message.vcpu} on CPU {step.number}, and it runs on CPU {vmcs.active}: "
            "its VMCS is active there"
        )
    ways = load_area(step.cpu.x, step.values[vmx.guest_msrs], step.model)
    if not ways:
        failed = msgspec.structs.replace(vmcs, exit=VmExit(ExitReason.ENTRY_FAILURE_MSR_LOADING))
        return done(step.cpu, Done(), (vmx.vmcs, failed))
    placed = (vmcs.frame.program.placement, Placement(step.number))
    left = (vmx.vmcs, msgspec.structs.replace(vmcs, exit=None, event=None, active=step.number))
    return tuple(Effect(_entered(step.cpu, vmcs, x), Done(), (placed, left), label) for label, x in ways)


def _entered(cpu: CpuState, vmcs: Vmcs, x: XState) -> CpuState:
    frame = vmcs.frame
    if vmcs.event is not None:
        frame = msgspec.structs.replace(frame, event=vmcs.event)
    return msgspec.structs.replace(
        cpu,
        frames=(*cpu.frames, frame),
        interrupt_flag=vmcs.interrupt_flag,
        cr0_ts=vmcs.cr0_ts,
        host_cr0_ts=cpu.cr0_ts,
        cr4_osxsave=vmcs.cr4_osxsave,
        host_cr4_osxsave=cpu.cr4_osxsave,
        sti_shadow=False,
        x=x,
    )


def vmexit(step: Step, exit_: VmExit, reply: Any = RETRY) -> Effects:
    """Leave the guest: IF=0, the host's control registers, the guest's MSRs stored and the host's loaded.

    The reply goes to whoever caused the exit: RETRY for a guest instruction that has not executed and for an interrupt
    that is still pending. What the hypervisor completed and the guest has not taken yet stays in the VMCS.
    """
    cpu = step.cpu
    vmx = Vmx(cpu.top.vcpu)
    before: Vmcs = step.values[vmx.vmcs]
    vmcs = msgspec.structs.replace(
        before,
        frame=cpu.top,
        interrupt_flag=cpu.interrupt_flag,
        cr0_ts=cpu.cr0_ts,
        cr4_osxsave=cpu.cr4_osxsave,
        exit=exit_,
        active=None,
    )
    stored = store_area(cpu.x, step.values[vmx.guest_msrs], step.model)
    ways = load_area(cpu.x, step.values[vmx.host_msrs], step.model)
    if not ways:
        raise VmxAbort(
            f"VMX abort: the VM-exit MSR-load area of {cpu.top.vcpu} holds a value that WRMSR refuses"
        )
    writes = ((vmx.vmcs, vmcs), (vmx.guest_msrs, stored))
    return tuple(
        Effect(_left(cpu, x), reply, writes, " ".join(filter(None, ("VM-exit", label)))) for label, x in ways
    )


def _left(cpu: CpuState, x: XState) -> CpuState:
    return msgspec.structs.replace(
        cpu,
        frames=cpu.frames[:-1],
        interrupt_flag=False,
        sti_shadow=False,
        cr0_ts=cpu.host_cr0_ts,
        host_cr0_ts=False,
        cr4_osxsave=cpu.host_cr4_osxsave,
        host_cr4_osxsave=True,
        x=x,
    )


def vmread(step: Step) -> Effects:
    """VMREAD: why the guest was left."""
    return done(step.cpu, step.values[Vmx(step.message.vcpu).vmcs].exit)


def vmwrite(step: Step) -> Effects:
    """Complete the guest's intercepted instruction: it will retire at the next VM-entry, with this result."""
    cell = Vmx(step.message.vcpu).vmcs
    completed = msgspec.structs.replace(step.values[cell], completed=True, result=step.message.result)
    return done(step.cpu, Done(), (cell, completed))


def vmcontrol(step: Step) -> Effects:
    """Write the controls, which the guest is under from its next entry on."""
    cell = Vmx(step.message.vcpu).vmcs
    return done(
        step.cpu,
        Done(),
        (cell, msgspec.structs.replace(step.values[cell], controls=step.message.controls)),
    )


def vminject(step: Step) -> Effects:
    """Write the exception that the next entry delivers."""
    message = step.message
    cell, event = Vmx(message.vcpu).vmcs, Fault(message.vector, message.error_code)
    if message.vector is Vector.PF:
        event = PageFault(message.vector, message.error_code, address=message.address or 0)
    return done(step.cpu, Done(), (cell, msgspec.structs.replace(step.values[cell], event=event)))


def deliver(step: Step, event: Fault) -> Effects:
    """Deliver the exception that came with the entry: the guest's instruction has not executed."""
    cpu = step.cpu
    taken = msgspec.structs.replace(cpu.top, event=None)
    return raised(msgspec.structs.replace(cpu, frames=(*cpu.frames[:-1], taken)), event)


def emulated(step: Step) -> Effects | None:
    """Answer a guest's instruction that the hypervisor has completed; None if it has not."""
    cell = Vmx(step.cpu.top.vcpu).vmcs
    vmcs: Vmcs = step.values[cell]
    if not vmcs.completed:
        return None
    reply = Done() if vmcs.result is None else Value(vmcs.result)
    return done(step.cpu, reply, (cell, msgspec.structs.replace(vmcs, completed=False, result=None)))


def hlt(step: Step) -> Effects:
    """HLT: leaves a guest behind the instruction; on the host this model has no use for it (#UD)."""
    if not step.cpu.in_guest:
        return raise_exception(step.cpu, Vector.UD)
    return vmexit(step, VmExit(ExitReason.HLT), Done())


def resume_frame(frame: Frame) -> Interrupted:
    """Return the reply that hands a context the work which an interrupt left it."""
    return Interrupted(frame.work)
