"""What an instruction finds of the CPU besides its extended state, and of a memory cell that holds an XSAVE area."""

from actors.machine.state import Vmcs, Vmx
from actors.machine.step import Step
from actors.machine.xstate.environment import Environment, Operand
from protocol.areas import XsaveArea
from protocol.virtualization import Controls

DEFAULT = Controls()


def controls(step: Step) -> Controls:
    """Return the controls of the guest that runs; for instructions whose footprint has the VMCS."""
    if not step.cpu.in_guest:
        return DEFAULT
    vmcs: Vmcs = step.values[Vmx(step.cpu.top.vcpu).vmcs]
    return vmcs.controls


def environment(step: Step) -> Environment:
    """Return privilege, control registers and VMX operation as the instruction finds them; 64-bit mode always."""
    cpu = step.cpu
    return Environment(
        cpl=cpu.top.ring.value,
        osxsave=cpu.cr4_osxsave,
        ts=cpu.cr0_ts,
        non_root=cpu.in_guest,
        enable_xsaves=controls(step).enable_xsaves,
    )


def operand(step: Step) -> Operand:
    """Return the area that a save or restore works on; its cell is its linear address, and always aligned."""
    cell = step.message.area
    area = step.values[cell]
    if not isinstance(area, XsaveArea):
        raise TypeError(f"{cell.name} holds {type(area).__name__}, and no XSAVE area")
    return Operand(area, cell, step.message.rexw)
