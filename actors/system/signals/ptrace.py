"""ptrace: a tracer stops a task, waits until it is off its CPU, writes its extended state, and lets it go on.

Follows kernel/ptrace.c, kernel/sched/core.c and arch/x86/kernel/fpu/regset.c.
What is small it takes from kernel/signal.c and arch/x86/kernel/fpu/xstate.c.
"""

from typing import Any

import msgspec

from actors.runtime import Device, Footprint, Outcome, Outcomes, Program, Read, Values, become, routine
from actors.runtime.devices.run_queue import Add
from actors.runtime.program import Become
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate, Task
from actors.system.kernel.errno import Errno
from actors.system.kernel.mm import UserArea
from actors.system.sched.schedule import schedule
from actors.system.signals.uabi import header_is_valid, with_data, with_header
from actors.system.signals.uaccess import get_user
from protocol.areas import XsaveArea

RUNNING, TRACED = "running", "traced"


class Inactive(msgspec.Struct, frozen=True):
    """Wait until a task that has left its CPU's run queue has left the CPU too."""

    task: Task


class WaitTaskInactive(Device, frozen=True):
    """wait_task_inactive()."""

    def footprint(self, sender: Program, message: Inactive, read: Read) -> Footprint:
        """Where the task is."""
        del sender, read
        return Footprint((message.task.program.placement,), (), self.name)

    def handle(self, sender: Program, message: Inactive, values: Values) -> Outcomes:
        """Enabled while the task is on no CPU."""
        del sender
        return (Outcome(),) if values[message.task.program.placement].frame is not None else ()

    def describe(self, message: Any) -> str:
        """`wait until B is off its CPU`."""
        return f"wait until {message.task.name} is off its CPU"


WAIT_TASK_INACTIVE = WaitTaskInactive("wait_task_inactive")


@routine
async def ptrace_stop(cpu: HostCpu) -> None:
    """ptrace_stop(), in the task that is traced: sleep in TASK_TRACED until the tracer lets it go on."""
    await cpu.write(cpu.me.state, TRACED)
    await schedule(cpu, sleeping=True)


@routine
async def ptrace_check_attach(cpu: HostCpu, target: Task) -> Become | None:
    """ptrace_check_attach(), behind wait4(): give the CPU away until the task has stopped, and is off its own."""
    if await cpu.read(target.state) != TRACED:
        await schedule(cpu)
        return become(ptrace_check_attach, cpu, target)
    await cpu.through(WAIT_TASK_INACTIVE, Inactive(target))
    return None


@routine
async def ptrace_resume(cpu: HostCpu, target: Task) -> None:
    """ptrace_resume(): wake the task up, on this CPU."""
    await cpu.write(target.state, RUNNING)
    await cpu.through(cpu.kernel.runqueue, Add(target.program))


@routine
async def xstateregs_set(cpu: HostCpu, target: Task, buffer: UserArea) -> Errno | None:
    """xstateregs_set(), PTRACE_SETREGSET of NT_X86_XSTATE: a stopped task's fpstate, from the tracer's buffer.

    What the registers of some CPU may still hold is not the task's state any more (last_cpu). EFAULT: the buffer cannot be
    read. EINVAL: its header is no task's.
    """
    given: XsaveArea | None = await get_user(cpu, buffer, buffer.area)
    if given is None:
        return Errno.EFAULT
    await cpu.write(target.last_cpu, -1)
    return await copy_uabi_to_xstate(cpu, target, given)


@routine
async def copy_uabi_to_xstate(cpu: HostCpu, target: Task, given: XsaveArea) -> Errno | None:
    """copy_uabi_to_xstate(): the header is looked at first, then the data is copied, then the header's bits are set.

    The kernel before 814fb7bb7db5 looked at nothing and copied the header's second word with all else, so that bits which have
    to be zero were set.
    """
    model = cpu.processor.model
    fpstate: Fpstate = await cpu.read(target.fpstate)
    checked = cpu.kernel.has("814fb7bb7db5")
    if checked and not header_is_valid(given, fpstate.user_xfeatures):
        return Errno.EINVAL
    own: XsaveArea = await cpu.read(fpstate.area)
    copied = with_data(model, own, given, fpstate)
    await cpu.write(fpstate.area, copied)
    xstate_bv, xcomp_bv = with_header(copied, given, fpstate)
    if not checked:
        xcomp_bv |= given.xcomp_bv
    await cpu.write(fpstate.area, msgspec.structs.replace(copied, xstate_bv=xstate_bv, xcomp_bv=xcomp_bv))
    return None
