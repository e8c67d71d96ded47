"""Delivery of a signal on the way to user mode, and the system call that ends its handler.

Follows arch/x86/kernel/signal.c and signal_64.c. What is small it takes from kernel/signal.c.
"""

from actors.runtime import routine, set_label
from actors.system.entry.common import exit_to_user_mode_prepare
from actors.system.entry.traps import force_sig
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Sigaction
from actors.system.kernel.flags import Dequeue, SetBlocked
from actors.system.kernel.mm import UserArea
from actors.system.signals.frame import copy_fpstate_to_sigframe
from actors.system.signals.sigreturn import fpu__restore_sig
from actors.system.xstate.clear import fpu__clear_user_states


@routine
async def arch_do_signal_or_restart(cpu: HostCpu) -> None:
    """arch_do_signal_or_restart(): in exit_to_user_mode_loop(), interrupts on; the handler, and all up to its rt_sigreturn.

    A task without a handler is ended, by force_sig.
    """
    action = await get_signal(cpu)
    await handle_signal(cpu, action)
    await cpu.cli()
    await exit_to_user_mode_prepare(cpu)
    await cpu.iret()
    left = await action.handler(cpu, action.frame)
    await cpu.syscall()
    await rt_sigreturn(cpu, left)


async def get_signal(cpu: HostCpu) -> Sigaction:
    """get_signal(): take the signal, and what the task wants done; the default action ends it."""
    task = cpu.me
    await cpu.through(task.flags, Dequeue())
    return task.sigaction or force_sig("SIGTERM")


@routine
async def handle_signal(cpu: HostCpu, action: Sigaction) -> None:
    """handle_signal(): the frame, then initial state for the handler, then signal_setup_done(), which blocks the signal."""
    if not await setup_rt_frame(cpu, action.frame):
        force_sig("SIGSEGV")
    await fpu__clear_user_states(cpu)
    set_label("frame written", value=False)
    await cpu.through(cpu.me.flags, SetBlocked(blocked=True))


async def setup_rt_frame(cpu: HostCpu, frame: UserArea) -> bool:
    """setup_rt_frame(): of the frame, the extended state; False: -EFAULT."""
    return await copy_fpstate_to_sigframe(cpu, frame)


@routine
async def rt_sigreturn(cpu: HostCpu, frame: UserArea | None) -> None:
    """sys_rt_sigreturn(), with the pointer that the frame holds: the mask, then restore_sigcontext(); a bad frame is SIGSEGV."""
    await cpu.through(cpu.me.flags, SetBlocked(blocked=False))
    if not await fpu__restore_sig(cpu, frame):
        force_sig("SIGSEGV")
