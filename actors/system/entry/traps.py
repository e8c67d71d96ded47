"""Exceptions on the host, as the kernel's entry code and arch/x86/kernel/traps.c take them.

From user mode a fault becomes a signal, which ends the task here; from kernel mode the kernel dies, in its own words. A #NM
from user mode that XFD raised is resolved by giving the task a larger buffer. One that CR0.TS raised should not be: the kernel
warns, clears the bit and goes on. A signal follows kernel/signal.c.
"""

from typing import NoReturn

from actors.machine.instructions import CR0_TS
from actors.runtime import routine, set_label
from actors.system.entry.common import exit_to_user_mode_prepare
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.errno import Errno
from actors.system.kernel.warnings import CR0_TS_SET, KERNEL_NM, KERNEL_NM_TAKEN, warn
from actors.system.xstate.dynamic import xfd_enable_feature
from protocol.registers import Msr, Vector
from protocol.replies import Fault

_SIGNAL: dict[Vector, str] = {
    Vector.UD: "SIGILL",
    Vector.GP: "SIGSEGV",
    Vector.PF: "SIGSEGV",
    Vector.DF: "SIGBUS",
}
_DIES: dict[Vector, str] = {
    Vector.UD: "invalid opcode",
    Vector.NM: "unexpected #NM exception",
    Vector.GP: "general protection fault",
    Vector.PF: "BUG: unable to handle page fault",
    Vector.DF: "double fault",
}


_NOT_GIVEN: dict[Errno, str] = {Errno.EPERM: "SIGILL", Errno.EFAULT: "SIGSEGV"}


class Die(Exception):
    """The kernel dies: an exception in kernel mode that nothing handles."""


class Killed(Exception):
    """A fatal signal: ends the user code that it is raised in."""


@routine
async def exception(cpu: HostCpu, fault: Fault) -> None:
    """Handle an exception of this program's instruction; returns when the instruction can be tried again."""
    if fault.vector is Vector.NM:
        await exc_device_not_available(cpu, fault)
    elif fault.cpl == 0:
        raise Die(_DIES[fault.vector])
    else:
        await cpu.sti()  # exit_to_user_mode_loop(), where the signal is taken
        force_sig(_SIGNAL[fault.vector])
    if fault.cpl:
        await exit_to_user_mode_prepare(cpu)
    await cpu.iret()


@routine
async def exc_device_not_available(cpu: HostCpu, fault: Fault) -> None:
    """exc_device_not_available(): XFD, or CR0.TS, which nobody sets: a warning and another try; interrupts are off on entry."""
    set_label("nm")
    if fault.cpl == 0:
        set_label(KERNEL_NM_TAKEN)
    if await handle_xfd_event(cpu, fault):
        return
    if not await cpu.read_cr0() & CR0_TS:
        raise Die(_DIES[Vector.NM])
    warn(CR0_TS_SET)
    await cpu.set_cr0_ts(ts=False)


@routine
async def handle_xfd_event(cpu: HostCpu, fault: Fault) -> bool:
    """handle_xfd_event(): read XFD_ERR and clear it before interrupts go on; False if there was no bit, or in the kernel."""
    xfd_err = await cpu.rdmsr(Msr.XFD_ERR)
    if not xfd_err:
        return False
    if cpu.kernel.keeps("xfd_err_kept"):
        await cpu.wrmsr(Msr.XFD_ERR, 0)
    if fault.cpl == 0:
        warn(KERNEL_NM)
        return False
    await cpu.sti()
    error = await xfd_enable_feature(cpu, xfd_err)
    if error is not None:
        force_sig(_NOT_GIVEN[error])
    await cpu.cli()
    return True


def force_sig(signal: str) -> NoReturn:
    """force_sig(): the task gets a signal that it cannot survive."""
    set_label("signal", signal)
    raise Killed(signal)
