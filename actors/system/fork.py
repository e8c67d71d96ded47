"""fork(2), clone(2) and execve(2), as system calls of user code.

    await syscall(cpu, kernel_clone, child, code)

A child's cells are there from the start (see `Machine.child`), its program begins here. Its memory is not modelled, so it is told
what to run. Follows kernel/fork.c and fs/exec.c, in what concerns extended state.
"""

import msgspec

from actors.runtime import become, routine, spawn
from actors.runtime.devices.run_queue import Add
from actors.runtime.devices.variable import CompareExchange
from actors.runtime.program import Become, Behaviour
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.fpu.pkru import pkru_write_default
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.sched.schedule import Bug
from actors.system.tasks import ret_from_fork, user_task
from actors.system.xstate.clone import fpu_clone, fpu_flush_thread
from protocol.handles import Program


@routine
async def kernel_clone(cpu: HostCpu, child: Task, code: Behaviour, *args: object) -> Program:
    """kernel_clone(): a child that runs `code(cpu, *args)`, on this CPU's run queue; a thread if it has a leader.

    Raises Bug for a child that is not this task's, or that there is already.
    """
    _check(cpu, child)
    await fpu_clone(cpu, child)
    if cpu.kernel.ospke:
        await cpu.write(child.pkru, await cpu.rdpkru())  # copy_thread()
    if child.leader is not None:
        await _link(cpu, child)
    held = msgspec.structs.replace(cpu, task=child)
    name = child.name.removeprefix(f"{cpu.me.name}.")
    await spawn(ret_from_fork, held, user_task, (code, args), name=name)
    await cpu.through(cpu.kernel.runqueue, Add(child.program))  # wake_up_new_task()
    return child.program


def _check(cpu: HostCpu, child: Task) -> None:
    parent = cpu.me
    if not child.name.startswith(f"{parent.name}."):
        raise Bug(f"{parent.name} forks {child.name}, which is no child of it")
    if child.leader not in {None, parent.leader or parent.program}:
        raise Bug(f"{parent.name} makes a thread of another process, {child.name}")


@routine
async def _link(cpu: HostCpu, child: Task) -> Become | None:
    """copy_process(): the new thread is one of its process, under a lock that is not modelled: one exchange."""
    before: tuple[Program, ...] = await cpu.read(child.thread_group)
    after = (*before, child.program)
    if await cpu.through(child.thread_group, CompareExchange(before, after)) != before:
        return become(_link, cpu, child)
    return None


@routine
async def execve(cpu: HostCpu, code: Behaviour, *args: object) -> None:
    """execve(): another program, with initial registers and the permissions of the beginning; returns when it is over."""
    await cpu.syscall()
    await fpu_flush_thread(cpu)
    if cpu.kernel.ospke:
        await pkru_write_default(cpu)  # pkru_flush_thread()
    await syscall_exit_to_user_mode(cpu)
    await code(cpu, *args)
