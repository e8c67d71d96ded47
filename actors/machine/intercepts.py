"""What leaves a guest by the controls of its VMCS: instructions, and exceptions.

SDM volume 3, 25.1. Before an exit come #UD and the #GP of privilege (25.1.1: RDMSR at CPL 3 is #GP, and no exit); all other
faults of the instruction come behind it, for it has not executed. (Of XSETBV at CPL 3 others say that the exit comes first;
not verified on silicon. XSAVES and XRSTORS are taken here to look at CR0.TS before they exit, too.) An instruction that has
left its guest stays pending until the hypervisor has completed it (VMWRITE), or injects an exception in its place.

* RDMSR, WRMSR: by the MSR bitmaps, and always for an address that these do not cover (25.1.3). XSETBV: always. XSAVES, XRSTORS:
  by the XSS-exiting bitmap (`xstate.exits`).
* Exceptions: by the exception bitmap. XFD_ERR is written before that is looked at, so the hypervisor finds the guest's bit in the
  register when #NM has left the guest. IF, CPL and the stack are as before the exception, which has not been delivered. The
  linear address of a #PF is in the exit qualification, and CR2 does not get it (27.2.1).
"""

from collections.abc import Callable
from typing import Any

import msgspec

from actors.machine.environment import environment, where
from actors.machine.extended import ecx
from actors.machine.instructions import RULES
from actors.machine.state import CpuState, Vmcs, Vmx
from actors.machine.step import Effect, Effects, Rule, Step, raise_exception
from actors.machine.vmx import emulated, vmexit
from actors.machine.xstate.exits import xss_exiting
from actors.machine.xstate.faults import general_protection, static, undefined
from actors.machine.xstate.outcomes import Fault as Raised
from protocol import instructions as op
from protocol.registers import ExitReason
from protocol.replies import Fault, PageFault, VmExit
from protocol.virtualization import Controls

Exits = Callable[[Any, CpuState, Controls], VmExit | None]


def _xss_exiting(reason: ExitReason) -> Exits:
    def exits(m: Any, cpu: CpuState, controls: Controls) -> VmExit | None:
        return VmExit(reason, m.rfbm) if xss_exiting(cpu.x, m.rfbm, controls.xss_exiting) else None

    return exits


COVERED = (range(0x2000), range(0xC000_0000, 0xC000_2000))
"""The addresses that the MSR bitmaps have bits for."""


def _rdmsr(m: op.Rdmsr, _: CpuState, controls: Controls) -> VmExit | None:
    index = ecx(m.msr)
    return VmExit(ExitReason.RDMSR, index) if _msr_exits(index, controls.rdmsr_exiting) else None


def _wrmsr(m: op.Wrmsr, _: CpuState, controls: Controls) -> VmExit | None:
    index = ecx(m.msr)
    return VmExit(ExitReason.WRMSR, index, m.value) if _msr_exits(index, controls.wrmsr_exiting) else None


def _msr_exits(index: int, bitmap: tuple[int, ...]) -> bool:
    return index in bitmap or not any(index in covered for covered in COVERED)


EXITS: dict[type, Exits] = {
    op.Xsetbv: lambda m, _, __: VmExit(ExitReason.XSETBV, ecx(m.ecx), m.value),
    op.Rdmsr: _rdmsr,
    op.Wrmsr: _wrmsr,
    op.Xsaves: _xss_exiting(ExitReason.XSAVES),
    op.Xrstors: _xss_exiting(ExitReason.XRSTORS),
}
"""Instructions that a guest may be left for, with the exit or None."""


def _xsetbv_fault(step: Step) -> Raised | None:
    if not step.cpu.cr4_osxsave:
        return undefined("CR4.OSXSAVE = 0")
    return general_protection("CPL > 0") if step.cpu.top.ring.cpl else None


def _static_fault(mnemonic: str) -> Callable[[Step], Raised | None]:
    def fault(step: Step) -> Raised | None:
        encoding = where(step.message).encoding
        return static(mnemonic, encoding, environment(step), step.model.description)

    return fault


BEFORE: dict[type, Callable[[Step], Raised | None]] = {
    op.Xsetbv: _xsetbv_fault,
    op.Xsaves: _static_fault("xsaves"),
    op.Xrstors: _static_fault("xrstors"),
}
"""The faults that come before the exit; privilege of the others is looked at already."""


def _intercepted(step: Step) -> Effects:
    """Execute an instruction of a guest that may be left for it."""
    kind = type(step.message)
    fault = BEFORE[kind](step) if kind in BEFORE else None
    if fault is not None:
        return raise_exception(step.cpu, fault.vector, fault.error_code)
    completed = emulated(step)
    if completed is not None:
        return completed
    vmcs: Vmcs = step.values[Vmx(step.cpu.top.vcpu).vmcs]
    found = EXITS[kind](step.message, step.cpu, vmcs.controls)
    return RULES[kind](step) if found is None else vmexit(step, found)


def answered(step: Step) -> bool:
    """Say whether the hypervisor has completed the instruction: it has retired before an injected exception comes."""
    if type(step.message) not in EXITS:
        return False
    vmcs: Vmcs = step.values[Vmx(step.cpu.top.vcpu).vmcs]
    return vmcs.completed


RULES_OF_GUESTS: dict[type, Rule] = dict.fromkeys(EXITS, _intercepted)


def exceptions(step: Step, effects: Effects) -> Effects:
    """Return the effects of a guest's instruction, with the exceptions that leave the guest as exits."""
    vmcs: Vmcs = step.values[Vmx(step.cpu.top.vcpu).vmcs]
    bitmap = vmcs.controls.exception_bitmap
    if not bitmap:
        return effects
    return tuple(after for effect in effects for after in _exception(step, effect, bitmap))


def _exception(step: Step, effect: Effect, bitmap: int) -> Effects:
    fault = effect.reply
    if not isinstance(fault, Fault) or not bitmap >> fault.vector & 1:
        return (effect,)
    as_before = msgspec.structs.replace(step.cpu, x=effect.cpu.x)
    address = fault.address if isinstance(fault, PageFault) else 0
    found = VmExit(ExitReason.EXCEPTION_OR_NMI, address, vector=fault.vector, error_code=fault.error_code)
    left = vmexit(msgspec.structs.replace(step, cpu=as_before), found)
    return tuple(
        msgspec.structs.replace(one, label=" ".join(filter(None, (effect.label, one.label)))) for one in left
    )


def may_leave(message: Any, cpu: CpuState, vmcs: Vmcs) -> bool:
    """Say whether a guest's message may touch more of its VMCS than the controls."""
    if vmcs.controls.exception_bitmap:
        return True
    exits = EXITS.get(type(message))
    return exits is not None and (vmcs.completed or exits(message, cpu, vmcs.controls) is not None)
