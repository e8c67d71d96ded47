"""CPU hotplug: a CPU on which nothing runs goes offline, and comes back after a reset.

Registers are lost, per-CPU memory is not. The program that does it is also the context that has the CPU while it is dead and
boots, so all that happens then stands in one column: what the CPU that brings it up does for it, which is one store, and its
own first steps. Nothing else reaches it until it runs its idle task again. Follows kernel/cpu.c and arch/x86/kernel/smpboot.c.
What is small it takes from kernel/sched/idle.c.
"""

from typing import Any

import msgspec

from actors.machine.state import CpuState, cpu_cell
from actors.runtime import (
    Device,
    Footprint,
    Outcome,
    Outcomes,
    Program,
    Read,
    RunQueue,
    Values,
    Variable,
    become,
    routine,
    set_label,
)
from actors.runtime.program import Become
from actors.system.fpu.init import fpu__init_cpu_xstate
from actors.system.fpu.pkru import pkru_write_default
from actors.system.kernel.cpu import HostCpu
from actors.system.sched.idle import cpuidle_idle_call, schedule_idle
from actors.system.sched.smp import cpu_online
from protocol.handles import Cell


class TakeDown(msgspec.Struct, frozen=True):
    """Take the CPU out of cpu_online_mask; enabled while only its idle task is there, and all CPUs can be stopped."""


class WaitForWork(msgspec.Struct, frozen=True):
    """The idle task waits for somebody to run (replied True), or for the CPU to be offline (False)."""


class OnlineMask(Device, frozen=True):
    """The bit of CPU `number` in cpu_online_mask, and who must not be disturbed when it is cleared.

    stop_machine() runs take_cpu_down() when a stopper thread has every CPU: one that is in the kernel with interrupts or
    preemption off is waited for. `idles` are the idle tasks of all CPUs by number, `others` their preempt_count cells, `quiet`
    what must be False besides.
    """

    number: int
    idles: tuple[Program, ...]
    queue: RunQueue
    others: tuple[Cell, ...]
    quiet: tuple[Cell, ...] = ()

    @property
    def idle(self) -> Program:
        """The CPU's own idle task."""
        return self.idles[self.number]

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """The bit and the run queue; for the end of the CPU all CPUs, too."""
        del sender, read
        online = cpu_online(self.number).cell
        if isinstance(message, WaitForWork):
            return Footprint((online, self.queue.cell), (), self.name)
        cpus = tuple(cpu_cell(number) for number in range(len(self.others)))
        return Footprint((online, self.queue.cell, *cpus, *self.others, *self.quiet), (online,), self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Clear the bit where that can be done; or tell the idle task what it waits for."""
        del sender
        online = cpu_online(self.number).cell
        waiting, up = bool(values[self.queue.cell]), values[online]
        if isinstance(message, WaitForWork):
            return (Outcome(waiting),) if waiting or not up else ()
        mine: CpuState = values[cpu_cell(self.number)]
        if not up or waiting or any(values[cell] for cell in self.quiet):
            return ()
        if mine.top.program != self.idle or not mine.interrupt_flag:
            return ()
        stoppable = all(
            _stoppable(values[cpu_cell(number)], values[count], self.idles[number])
            for number, count in enumerate(self.others)
        )
        return (Outcome(None, ((online, False),)),) if stoppable else ()

    def describe(self, message: Any) -> str:
        """`cpu1 goes offline`, `wait on cpu1.runqueue`."""
        if isinstance(message, WaitForWork):
            return f"wait on {self.queue.name}"
        return f"CPU {self.number} goes offline"


def _stoppable(cpu: CpuState, count: int, idle: Program) -> bool:
    """Say whether a stopper thread could take the CPU.

    One that is offline needs none. One that idles gives the CPU away wherever it is: it comes to schedule_idle() before it does
    anything that a stopper has to wait for.
    """
    if cpu.stopped or cpu.top.program == idle:
        return True
    return not cpu.in_guest and (cpu.top.ring.cpl > 0 or (cpu.interrupt_flag and not count))


async def hotplug_source(cpu: HostCpu, mask: OnlineMask, budget: int) -> Become | None:
    """Take the CPU offline and bring it up again, at most `budget` times."""
    if budget == 0:
        return None
    await mask.send(TakeDown())
    await native_kick_ap(cpu, mask.number)
    await start_secondary(cpu, mask.number)
    await cpu.switch_to(mask.idle)
    return become(hotplug_source, cpu, mask, budget - 1)


@routine
async def native_kick_ap(cpu: HostCpu, number: int) -> None:
    """native_kick_ap(), on the CPU that brings this one up: its registers are nobody's; then INIT and SIPI."""
    owner: Variable[Program | None] = cpu.kernel.owner.each[number]  # type: ignore[assignment]  # made by boot
    await cpu.write(owner, None)
    set_label("gone", value=True)
    await cpu.reset()
    set_label("gone", None)


@routine
async def start_secondary(cpu: HostCpu, number: int) -> None:
    """start_secondary(), up to cpu_startup_entry()."""
    await fpu__init_cpu_xstate(cpu)
    if cpu.kernel.ospke:
        await pkru_write_default(cpu)  # setup_pku()
    await cpu.write(cpu_online(number), True)


async def do_idle(cpu: HostCpu, mask: OnlineMask, boot: Program) -> Become:
    """do_idle() of a CPU that can go offline: it dies here, and comes back by cpu_startup_entry()."""
    await cpuidle_idle_call(cpu)
    if await cpu.through(mask, WaitForWork()):
        await schedule_idle(cpu)
    else:
        await arch_cpu_idle_dead(cpu, boot)
    return become(do_idle, cpu, mask, boot)


@routine
async def arch_cpu_idle_dead(cpu: HostCpu, boot: Program) -> None:
    """native_play_dead(): the CPU stops. A new idle loop begins when it is up again, with interrupts off."""
    await cpu.cli()
    await cpu.play_dead(boot)
    await cpu.sti()
