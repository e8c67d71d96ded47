"""User code that has to do with signals and tracing: handlers, what comes back from them, and what finds its registers changed."""

from actors.runtime import routine, set_label
from actors.system.entry.common import syscall
from actors.system.guest import ONE_TILE
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.kernel.mm import UserArea
from actors.system.signals.delivery import rt_sigreturn
from actors.system.signals.ptrace import ptrace_check_attach, ptrace_resume, ptrace_stop, xstateregs_set


@routine
async def sigreturns(cpu: HostCpu, frame: UserArea | None) -> None:
    """Call rt_sigreturn with this frame, which may be anything, and run on if that is allowed."""
    await syscall(cpu, rt_sigreturn, frame)


@routine
async def keeps_xmm0(cpu: HostCpu, value: int) -> None:
    """Load XMM0, and see what is in it later."""
    await cpu.movq(0, value)
    await cpu.nop()
    set_label("xmm0", await cpu.movq_from(0))
