"""Calling a function on another CPU: a queue, an interrupt between processors, and a caller that may wait.

A call is a csd (call_single_data) on the target's queue; whoever finds the queue empty sends the IPI. The interrupt's handler on
the target takes the whole queue, and runs the functions there. The caller of a call that it waits for spins with interrupts on
until its csd is unlocked. Each pair of CPUs has one csd: preemption is off from its lock to the end of the call, and the
next call waits for it. Follows kernel/smp.c. What is small it takes from include/linux/llist.h.
"""

from typing import Any

import msgspec

from actors.runtime import Variable, become, routine
from actors.runtime.devices.variable import Await, CompareExchange, Exchange
from actors.runtime.program import Become, Behaviour
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.errno import Errno
from actors.system.kernel.preempt_count import PREEMPT_OFFSET, in_task
from actors.system.sched.count import preempt_disable
from actors.system.sched.preempt import preempt_enable
from actors.system.sched.schedule import Bug


class Csd(msgspec.Struct, frozen=True, cache_hash=True):
    """struct __call_single_data on a queue: the function, what it is given, its lock, and whether the caller waits."""

    function: Behaviour
    args: tuple[Any, ...]
    flags: Variable[bool]
    wait: bool


def cpu_online(number: int) -> Variable[bool]:
    """Name the bit of a CPU in cpu_online_mask."""
    return Variable(f"cpu{number}.online")


def call_single_queue(number: int) -> Variable[tuple[Csd, ...]]:
    """Name the per-CPU queue of calls, the last one first, as on a list."""
    return Variable(f"cpu{number}.call_single_queue")


def csd_flags(source: int, target: int) -> Variable[bool]:
    """Name the lock of the csd by which one CPU calls functions on another."""
    return Variable(f"cpu{source}.csd_data[{target}]")


def request(number: int) -> Variable[bool]:
    """Name the bit in a CPU's local APIC that another CPU sets with an IPI."""
    return Variable(f"cpu{number}.IRR")


@routine
async def smp_call_function_single(
    cpu: HostCpu, target: int, function: Behaviour, *args: Any, wait: bool = True
) -> Errno | None:
    """smp_call_function_single(): run `function(cpu, *args)` on another CPU, or here with interrupts off.

    ENXIO if that CPU is offline. Raises Bug in an interrupt, and with interrupts off, where two could wait for each other.
    """
    count = await cpu.this_cpu_add(cpu.kernel.preempt_count, PREEMPT_OFFSET)
    await _check_caller(cpu, count, "smp_call_function_single")
    this = await cpu.smp_processor_id()
    error = None
    if target == this:
        async with cpu.irqs_off():
            await function(cpu, *args)
    elif await cpu.read(cpu_online(target)):
        await _generic_exec_single(cpu, this, target, function, args, wait=wait)
        if wait:
            await _csd_lock_wait(cpu, this, target)
    else:
        error = Errno.ENXIO
    await preempt_enable(cpu)
    return error


@routine
async def smp_call_function_many(
    cpu: HostCpu, targets: tuple[int, ...], function: Behaviour, *args: Any, wait: bool = True
) -> None:
    """smp_call_function_many(): on all of these CPUs that are online, but for this one; called with preemption off."""
    await _check_caller(cpu, await cpu.this_cpu_read(cpu.kernel.preempt_count), "smp_call_function_many_cond")
    this = await cpu.smp_processor_id()
    called = [one for one in targets if one != this and await cpu.read(cpu_online(one))]
    for target in called:
        await _generic_exec_single(cpu, this, target, function, args, wait=wait)
    for target in called if wait else ():
        await _csd_lock_wait(cpu, this, target)


@routine
async def smp_call_function(cpu: HostCpu, function: Behaviour, *args: Any, wait: bool = True) -> None:
    """smp_call_function(): on all other CPUs."""
    await preempt_disable(cpu)
    everybody = tuple(range(len(cpu.kernel.idle.each)))
    await smp_call_function_many(cpu, everybody, function, *args, wait=wait)
    await preempt_enable(cpu)


async def _check_caller(cpu: HostCpu, count: int, name: str) -> None:
    if not in_task(count):
        raise Bug(f"WARNING: {name}() in an interrupt's handler")
    if await cpu.irqs_disabled():
        raise Bug(f"WARNING: {name}() can deadlock when called with interrupts disabled")


@routine
async def _generic_exec_single(
    cpu: HostCpu, this: int, target: int, function: Behaviour, args: tuple[Any, ...], *, wait: bool
) -> None:
    """csd_lock() and generic_exec_single()."""
    flags = csd_flags(this, target)
    await _csd_lock_wait(cpu, this, target)
    await cpu.write(flags, True)
    if await llist_add(cpu, call_single_queue(target), Csd(function, args, flags, wait)):
        await cpu.write(request(target), True)


@routine
async def _csd_lock_wait(cpu: HostCpu, this: int, target: int) -> None:
    """csd_lock_wait(): spin until the call has been made."""
    await cpu.through(csd_flags(this, target), Await(False))


@routine
async def llist_add(cpu: HostCpu, queue: Variable[tuple[Csd, ...]], csd: Csd) -> bool | Become:
    """llist_add(): a loop of CMPXCHG; says whether the list was empty."""
    before: tuple[Csd, ...] = await cpu.read(queue)
    if await cpu.through(queue, CompareExchange(before, (csd, *before))) != before:
        return become(llist_add, cpu, queue, csd)
    return not before


@routine
async def smp_send_reschedule(cpu: HostCpu, target: int) -> None:
    """native_smp_send_reschedule(): an IPI that asks for nothing but an interrupt; raises Bug for a CPU that is offline."""
    if not await cpu.read(cpu_online(target)):
        raise Bug(f"sched: Unexpected reschedule of offline CPU#{target}!")
    await cpu.write(request(target), True)


@routine
async def flush_smp_call_function_queue(cpu: HostCpu) -> None:
    """__flush_smp_call_function_queue(): run what others have put on this CPU's queue, in the order of its arrival.

    First those that somebody waits for, each unlocked behind its function; then the others, unlocked before theirs.
    """
    queue = call_single_queue(await cpu.smp_processor_id())
    waiting: tuple[Csd, ...] = await cpu.through(queue, Exchange(()))
    for csd in reversed(waiting):
        if csd.wait:
            await csd.function(cpu, *csd.args)
            await cpu.write(csd.flags, False)
    for csd in reversed(waiting):
        if not csd.wait:
            await cpu.write(csd.flags, False)
            await csd.function(cpu, *csd.args)
