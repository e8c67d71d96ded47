"""The way back: what the kernel does before it returns from an interrupt, an exception or a system call.

Follows kernel/entry/common.c, include/linux/entry-common.h, and arch_exit_to_user_mode_prepare() of
arch/x86/include/asm/entry-common.h.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from actors.runtime import become, routine
from actors.runtime.program import Become
from actors.system.fpu.registers import fpregs_state_valid, switch_fpu_return
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.flags import Flags
from actors.system.sched.preempt import preempt_schedule_irq
from actors.system.sched.schedule import schedule
from protocol.registers import Work

EXIT_TO_USER_MODE_WORK = Flags.TIF_NEED_RESCHED | Flags.TIF_SIGPENDING


@routine
async def exit_to_user_mode_prepare(cpu: HostCpu) -> None:
    """exit_to_user_mode_prepare(): called with interrupts off; work first, then the registers."""
    task, kernel = cpu.me, cpu.kernel
    flags = await cpu.read_flags(task)
    known_valid = kernel.is_mutant("owner_read_once") and await fpregs_state_valid(cpu, task)  # variant
    if flags & EXIT_TO_USER_MODE_WORK:
        left = await exit_to_user_mode_loop(cpu, flags)
        flags = flags if kernel.is_mutant("flags_read_once") else left
    if flags & Flags.TIF_NEED_FPU_LOAD:
        await switch_fpu_return(cpu, known_valid=known_valid)


@routine
async def exit_to_user_mode_loop(cpu: HostCpu, flags: Flags) -> Flags | Become:
    """exit_to_user_mode_loop(): with interrupts on, until no work is left; returns the flags as they are then."""
    await cpu.sti()
    if flags & Flags.TIF_NEED_RESCHED:
        await schedule(cpu)
    if flags & Flags.TIF_SIGPENDING:
        assert cpu.kernel.do_signal is not None, "nobody sends signals on this machine"
        await cpu.kernel.do_signal(cpu)
    await cpu.cli()
    left = await cpu.read_flags(cpu.me)
    return become(exit_to_user_mode_loop, cpu, left) if left & EXIT_TO_USER_MODE_WORK else left


@routine
async def irqentry_exit(cpu: HostCpu, work: Work) -> None:
    """irqentry_exit() in the program that was interrupted, with interrupts off; and back to what it was."""
    if work is Work.RESCHED:
        await preempt_schedule_irq(cpu)
    else:
        await exit_to_user_mode_prepare(cpu)
    await cpu.iret()


async def syscall(cpu: HostCpu, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Enter the kernel, call `function(cpu, *args)` there, and return to user mode with what it returned."""
    await cpu.syscall()
    result = await function(cpu, *args)
    await syscall_exit_to_user_mode(cpu)
    return result


@routine
async def syscall_exit_to_user_mode(cpu: HostCpu) -> None:
    """syscall_exit_to_user_mode()."""
    await cpu.cli()
    await exit_to_user_mode_prepare(cpu)
    await cpu.iret()
