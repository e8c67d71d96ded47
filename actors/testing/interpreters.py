"""Programs as data: what carries out a tuple of instructions as a guest, and as a task of the host.

    vcpu = world.guest(guest_code, (Wrmsr(Msr.XFD, TILEDATA), Tilezero(0)), dynamic_features=TILEDATA)
    world.host_task(host_code, (Tilezero(0), InKernel((PreemptOff((Nop(),)), Reschedule()))), perm=TILEDATA)

A guest's are instructions. A host task's are instructions of user mode, and `InKernel`: a system call, with what the kernel
does in it, in the blocks that kernel code knows. All are values, so a world may be given them.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec

from actors.machine.instructions import CR0_TS
from actors.runtime import set_label
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.guest import GuestDied, guest_exception
from actors.system.guest_cpu import GuestCpu
from actors.system.kernel.cpu import HostCpu
from actors.system.sched import cond_resched, preempt_disable, preempt_enable, schedule
from protocol.instructions import Instruction, MovCr0Ts
from protocol.registers import Vector
from protocol.replies import Fault

# Guests.


async def guest_code(cpu: GuestCpu, code: tuple[Instruction, ...]) -> None:
    """Carry out instructions and halt; the label `replies` then holds what they replied, unless the guest died."""
    if any(isinstance(one, MovCr0Ts) for one in code):
        cpu = GuestCpu(cpu.processor, lazy_exception)
    replies: tuple[Any, ...] = ()
    try:
        for instruction in code:
            replies = (*replies, await cpu.execute(instruction))
        set_label("replies", replies)
    except GuestDied:
        pass
    await cpu.hlt()


async def lazy_exception(cpu: GuestCpu, fault: Fault) -> None:
    """The exceptions of a guest kernel that sets CR0.TS: #NM clears it, and without it is XFD's."""
    if fault.vector is Vector.NM and await cpu.read_cr0() & CR0_TS:
        await cpu.set_cr0_ts(ts=False)
        await cpu.iret()
    else:
        await guest_exception(cpu, fault)


# The host.


class InKernel(msgspec.Struct, frozen=True):
    """A system call: `code` runs in kernel mode, interrupts and preemption on."""

    code: tuple["KernelCode", ...] = ()


class InterruptsOff(msgspec.Struct, frozen=True):
    """local_irq_disable() and local_irq_enable() around instructions."""

    code: tuple[Instruction, ...] = ()


class PreemptOff(msgspec.Struct, frozen=True):
    """preempt_disable() and preempt_enable() around instructions and blocks with interrupts off."""

    code: tuple[Instruction | InterruptsOff, ...] = ()


class Reschedule(msgspec.Struct, frozen=True):
    """A context switch, if somebody else can run: cond_resched() if the kernel was asked to, or else schedule()."""

    asked: bool = False


KernelCode: TypeAlias = Instruction | InterruptsOff | PreemptOff | Reschedule
HostCode: TypeAlias = Instruction | InKernel


async def host_code(cpu: HostCpu, code: tuple[HostCode, ...]) -> None:
    """Carry out the code of a user task."""
    for one in code:
        await _CARRIED_OUT.get(type(one), _execute)(cpu, one)


async def _execute(cpu: HostCpu, instruction: Instruction) -> None:
    await cpu.execute(instruction)


async def _in_kernel(cpu: HostCpu, block: InKernel) -> None:
    await cpu.syscall()
    await _carry_out(cpu, block.code)
    await syscall_exit_to_user_mode(cpu)


async def _interrupts_off(cpu: HostCpu, block: InterruptsOff) -> None:
    async with cpu.irqs_off():
        await _carry_out(cpu, block.code)


async def _preempt_off(cpu: HostCpu, block: PreemptOff) -> None:
    await preempt_disable(cpu)
    await _carry_out(cpu, block.code)
    await preempt_enable(cpu)


async def _reschedule(cpu: HostCpu, how: Reschedule) -> None:
    if how.asked:
        await cond_resched(cpu)
    else:
        await schedule(cpu)


async def _carry_out(cpu: HostCpu, code: tuple[Any, ...]) -> None:
    for one in code:
        await _CARRIED_OUT.get(type(one), _execute)(cpu, one)


_CARRIED_OUT: dict[type, Callable[[HostCpu, Any], Awaitable[None]]] = {
    InKernel: _in_kernel,
    InterruptsOff: _interrupts_off,
    PreemptOff: _preempt_off,
    Reschedule: _reschedule,
}
