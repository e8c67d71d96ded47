"""Permissions for dynamic features: arch_prctl(2), what a child inherits of them, and when those of guests are locked.

They belong to a process: threads share them through their group leader, under siglock. A process may ask for itself and, apart
from that, for the guests that it runs; the first vCPU ends the latter. Follows arch/x86/kernel/fpu/{xstate,core}.c,
arch/x86/kernel/fpu/xstate.h, kernel/signal.c and include/linux/spinlock.h.
"""

from enum import IntEnum

from actors.machine.xstate.components import HYPOTHETICAL, TILEDATA, bits
from actors.machine.xstate.layout import standard_size
from actors.runtime import Variable, routine
from actors.runtime.devices.lock import Acquire, Release
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Task
from actors.system.kernel.errno import Errno

FPU_GUEST_PERM_LOCKED = 1 << 63
"""In guest_perm: there is a vCPU, and the permission stays as it is."""

XFEATURE_MAX = 20
"""One more than the highest component that the kernel knows."""

XSTATE_PRCTL_REQ: dict[int, int] = {18: TILEDATA, 19: HYPOTHETICAL}
"""xstate_prctl_req: the components that permission can be asked for, with what that is for (mask)."""

SIGFRAME_BASE = 944
"""Bytes of a signal frame besides its XSAVE area: AT_MINSIGSTKSZ of a CPU with AMX, 11,952, less its fpu_user_cfg.max_size,
11,008."""


class ArchPrctl(IntEnum):
    """Options of arch_prctl(2) (arch/x86/include/uapi/asm/prctl.h)."""

    ARCH_GET_XCOMP_SUPP = 0x1021
    ARCH_GET_XCOMP_PERM = 0x1022
    ARCH_REQ_XCOMP_PERM = 0x1023
    ARCH_GET_XCOMP_GUEST_PERM = 0x1024
    ARCH_REQ_XCOMP_GUEST_PERM = 0x1025


_REQUESTS = {ArchPrctl.ARCH_REQ_XCOMP_PERM: False, ArchPrctl.ARCH_REQ_XCOMP_GUEST_PERM: True}
_QUESTIONS = {ArchPrctl.ARCH_GET_XCOMP_PERM: False, ArchPrctl.ARCH_GET_XCOMP_GUEST_PERM: True}


@routine
async def fpu_xstate_prctl(cpu: HostCpu, option: int, argument: int = 0) -> int | Errno:
    """fpu_xstate_prctl(): returns the mask that was asked for, 0 for a request that was granted, or an Errno.

    Masks are of user components: those that are always permitted, and the dynamic ones. `argument` is the number of a component.
    """
    if option == ArchPrctl.ARCH_GET_XCOMP_SUPP:
        return cpu.processor.model.xcr0
    if option in _QUESTIONS:
        permitted = await xstate_get_group_perm(cpu, guest=_QUESTIONS[ArchPrctl(option)])
        return (permitted & cpu.kernel.dynamic) | (cpu.processor.model.xcr0 & ~cpu.kernel.dynamic)
    if option in _REQUESTS:
        return await xstate_request_perm(cpu, argument, guest=_REQUESTS[ArchPrctl(option)]) or 0
    return Errno.EINVAL


def _perm(task: Task, *, guest: bool) -> Variable[int]:
    return task.guest_perm if guest else task.perm


async def xstate_get_group_perm(cpu: HostCpu, *, guest: bool) -> int:
    """xstate_get_group_perm(): READ_ONCE() of the group leader's; a snapshot where siglock is not held."""
    found: int = await cpu.read(_perm(cpu.me, guest=guest))
    return found


@routine
async def xstate_request_perm(cpu: HostCpu, idx: int, *, guest: bool) -> Errno | None:
    """xstate_request_perm(): EINVAL and EOPNOTSUPP for what nobody can be given, EBUSY once a guest's permission is locked."""
    if not 0 <= idx < XFEATURE_MAX:
        return Errno.EINVAL
    requested = XSTATE_PRCTL_REQ.get(idx, 0)
    if not requested or requested & ~cpu.kernel.dynamic:
        return Errno.EOPNOTSUPP
    if not requested & ~await xstate_get_group_perm(cpu, guest=guest):
        return None
    await spin_lock_irq(cpu, cpu.me)
    permitted = await xstate_get_group_perm(cpu, guest=guest)
    if guest and permitted & FPU_GUEST_PERM_LOCKED:
        error: Errno | None = Errno.EBUSY
    else:
        error = await _xstate_request_perm(cpu, permitted, requested, guest=guest)
    await spin_unlock_irq(cpu, cpu.me)
    return error


@routine
async def _xstate_request_perm(cpu: HostCpu, permitted: int, requested: int, *, guest: bool) -> Errno | None:
    """__xstate_request_perm(), under siglock: ENOSPC if a thread's signal stack is too small for the host's new frame."""
    if not requested & ~permitted:
        return None
    mask = permitted | requested
    if not guest:
        error = await validate_sigaltstack(cpu, user_size(cpu, mask))
        if error is not None:
            return error
    await cpu.write(_perm(cpu.me, guest=guest), mask)
    return None


def user_size(cpu: HostCpu, dynamic: int) -> int:
    """xstate_calculate_size() of the standard format: bytes of an XSAVE area in a signal frame with these dynamic features."""
    model = cpu.processor.model
    return standard_size(model.description, bits(model.xcr0 & ~model.xfd_capable | dynamic))


@routine
async def validate_sigaltstack(cpu: HostCpu, usize: int) -> Errno | None:
    """validate_sigaltstack(): every thread's alternate stack must hold a frame with so many bytes of extended state."""
    threads: tuple[Task, ...] = tuple(map(Task, await cpu.read(cpu.me.thread_group)))
    for thread in threads:
        size = await cpu.read(thread.sas_ss_size)
        if size and size < SIGFRAME_BASE + usize:
            return Errno.ENOSPC
    return None


@routine
async def do_sigaltstack(cpu: HostCpu, size: int) -> Errno | None:
    """do_sigaltstack(): set the thread's alternate stack (bytes); ENOMEM if the process's frames have no room on it."""
    await spin_lock_irq(cpu, cpu.me)
    permitted: int = await cpu.read(cpu.me.perm)
    if permitted and size <= SIGFRAME_BASE + user_size(cpu, permitted):  # sigaltstack_size_valid()
        error: Errno | None = Errno.ENOMEM
    else:
        error = None
        await cpu.write(cpu.me.sas_ss_size, size)
    await spin_unlock_irq(cpu, cpu.me)
    return error


@routine
async def fpu_inherit_perms(cpu: HostCpu, child: Task) -> None:
    """fpu_inherit_perms(): a new process gets both permissions of the one that forks."""
    await spin_lock_irq(cpu, cpu.me)
    await cpu.write(child.perm, await cpu.read(cpu.me.perm))
    await cpu.write(child.guest_perm, await cpu.read(cpu.me.guest_perm))
    await spin_unlock_irq(cpu, cpu.me)


@routine
async def fpu_init_guest_permissions(cpu: HostCpu) -> int:
    """fpu_init_guest_permissions(): what the guest of the vCPU that is being made may use (mask); from now on it is locked."""
    await spin_lock_irq(cpu, cpu.me)
    permitted = await xstate_get_group_perm(cpu, guest=True)
    await cpu.write(cpu.me.guest_perm, permitted | FPU_GUEST_PERM_LOCKED)
    await spin_unlock_irq(cpu, cpu.me)
    return permitted & ~FPU_GUEST_PERM_LOCKED


async def spin_lock_irq(cpu: HostCpu, task: Task) -> None:
    """spin_lock_irq() of a task's siglock."""
    await cpu.cli()
    await cpu.through(task.siglock, Acquire())


async def spin_unlock_irq(cpu: HostCpu, task: Task) -> None:
    """spin_unlock_irq() of a task's siglock."""
    await cpu.through(task.siglock, Release())
    await cpu.sti()
