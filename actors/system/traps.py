"""Exceptions on the host, as the kernel's entry code and arch/x86/kernel/traps.c take them.

From user mode a fault becomes a signal, which ends the task here; from kernel mode the kernel dies, in its own words. A #NM
from user mode that XFD raised is resolved by giving the task a larger buffer.
"""

from actors.runtime import set_label
from actors.system.dynamic import xfd_enable_feature
from actors.system.host_cpu import HostCpu
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


class Die(Exception):
    """The kernel dies: an exception in kernel mode that nothing handles."""


class Killed(Exception):
    """A fatal signal: ends the user code that it is raised in."""


async def exception(cpu: HostCpu, fault: Fault) -> None:
    """Handle an exception of this program's instruction; returns when the instruction can be tried again."""
    if fault.vector is Vector.NM:
        await exc_device_not_available(cpu, fault)
    elif fault.cpl == 0:
        raise Die(_DIES[fault.vector])
    else:
        force_sig(_SIGNAL[fault.vector])
    await cpu.iret()


async def exc_device_not_available(cpu: HostCpu, fault: Fault) -> None:
    """exc_device_not_available(): read XFD_ERR and clear it before interrupts go on; interrupts are off on entry."""
    set_label("nm")
    xfd_err = await cpu.rdmsr(Msr.XFD_ERR)
    if xfd_err:
        await cpu.wrmsr(Msr.XFD_ERR, 0)
    if not xfd_err or fault.cpl == 0:
        raise Die(_DIES[Vector.NM])
    await cpu.sti()
    if not await xfd_enable_feature(cpu, xfd_err):
        force_sig("SIGILL")
    await cpu.cli()


def force_sig(signal: str) -> None:
    """force_sig(): the task gets a signal that it cannot survive."""
    set_label("signal", signal)
    raise Killed(signal)
