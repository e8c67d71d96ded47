"""User code around signals and tracing: handlers, who comes back from them, and who finds registers changed."""

from actors.machine.xstate.tiles import config
from actors.runtime import routine, set_label
from actors.system.entry.common import syscall, syscall_exit_to_user_mode
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.kernel.mm import UserArea
from actors.system.sched.schedule import schedule
from actors.system.signals.delivery import rt_sigreturn
from actors.system.signals.ptrace import ptrace_check_attach, ptrace_resume, ptrace_stop, xstateregs_set


@routine
async def sigreturns(cpu: HostCpu, frame: UserArea | None) -> None:
    """Call rt_sigreturn with this frame, which may be anything, and run on if that is allowed."""
    await syscall(cpu, rt_sigreturn, frame)


@routine
async def keeps_xmm0(cpu: HostCpu, value: int) -> None:
    """Load XMM0, let others run (sched_yield()), and see what is in it."""
    await cpu.movq(0, value)
    await syscall(cpu, schedule)
    set_label("xmm0", await cpu.movq_from(0))


async def tries_amx(cpu: HostCpu) -> None:
    """Use a tile without permission: #NM, and SIGILL; whoever gets past that has escaped."""
    await cpu.ldtilecfg(config(16))
    await cpu.tilezero(0)
    set_label("used AMX")


@routine
async def amx_handler(cpu: HostCpu, frame: UserArea) -> UserArea:
    """A signal handler that tries AMX."""
    await tries_amx(cpu)
    return frame


@routine
async def waits_for_signal(cpu: HostCpu) -> None:
    """Two instructions, and a signal between them, or none."""
    await cpu.nop()
    await cpu.nop()


@routine
async def sigreturns_to_amx(cpu: HostCpu, frame: UserArea | None) -> None:
    """Call rt_sigreturn with this frame, and try AMX behind it."""
    await syscall(cpu, rt_sigreturn, frame)
    await tries_amx(cpu)


@routine
async def amx_and_yield(cpu: HostCpu, tile: bytes) -> None:
    """Load a tile, let others run (sched_yield()), and see what is in it."""
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, tile)
    await syscall(cpu, schedule)
    set_label("kept", await cpu.tilestored(0) == tile)


async def stops(cpu: HostCpu, value: int) -> None:
    """Load XMM0, stop for a tracer, and see what is in it."""
    await cpu.movq(0, value)
    await syscall(cpu, ptrace_stop)
    set_label("xmm0", await cpu.movq_from(0))


async def traces(cpu: HostCpu, target: Task, buffer: UserArea) -> None:
    """Wait until a task has stopped, set its extended state, and let it go on."""
    await cpu.syscall()
    await ptrace_check_attach(cpu, target)
    error = await xstateregs_set(cpu, target, buffer)
    set_label("wrote", error.name if error else "0")
    await ptrace_resume(cpu, target)
    await syscall_exit_to_user_mode(cpu)
