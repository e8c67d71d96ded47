"""Machines drawn by Hypothesis: host tasks, guests and their vCPU threads, interrupts, softirqs, preemption and migrations.

An interrupt source is a background program; its step is enabled whenever the CPU would take it, whoever runs there, and asks for
a reschedule, or for a softirq that uses the registers. So an event lands between any two instructions.
"""

from hypothesis import strategies as st

from actors.machine.model import TILEDATA
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.runtime.devices.variable import FetchAdd, Load, Store
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.guest import GuestDied
from actors.system.kvm import SwapName, form
from actors.system.machine import Machine
from actors.system.sched import cond_resched, preempt_disable, preempt_enable
from actors.system.xstate.kernel_fpu import use_fpu
from protocol.registers import Msr

TILE = b"\x55" * 1024


async def host_code(cpu, operations, shared):
    """Carry out operations in user mode, and those of a `kernel` one behind a SYSCALL."""
    for name, *operands in operations:
        match name:
            case "kernel":
                await cpu.syscall()
                await kernel_code(cpu, operands[0], shared)
                await syscall_exit_to_user_mode(cpu)
            case _:
                await anywhere(cpu, name, shared)


async def kernel_code(cpu, operations, shared):
    """Carry out operations in the kernel: with interrupts off, without preemption, or where it may be preempted."""
    for name, *operands in operations:
        match name:
            case "irqs off":
                async with cpu.irqs_off():
                    await kernel_code(cpu, operands[0], shared)
            case "no preemption":
                await preempt_disable(cpu)
                await kernel_code(cpu, operands[0], shared)
                await preempt_enable(cpu)
            case "cond_resched":
                await cond_resched(cpu)
            case "fpu":
                await use_fpu(cpu)
            case "xfd_err":
                set_label("seen", await cpu.rdmsr(Msr.XFD_ERR))
            case _:
                await anywhere(cpu, name, shared)


async def anywhere(cpu, name, shared):
    """Carry out what user mode, kernel and guest can do alike."""
    match name:
        case "nop":
            await cpu.nop()
        case "add":
            set_label("seen", await cpu.through(shared, FetchAdd(1)))
        case "lose":
            await cpu.through(shared, Store(await cpu.through(shared, Load()) + 1))
        case "tile":
            await cpu.ldtilecfg(config(16))
            await cpu.tileloadd(0, TILE)
        case "expect":
            assert await cpu.through(shared, Load()) < 4


async def guest_code(cpu, operations, shared):
    """Carry out operations in a guest, which halts at the end."""
    try:
        for name, *operands in operations:
            match name:
                case "xfd":
                    await cpu.wrmsr(Msr.XFD, operands[0])
                case "xfd_err":
                    set_label("seen", await cpu.rdmsr(Msr.XFD_ERR))
                case _:
                    await anywhere(cpu, name, shared)
    except GuestDied:
        pass
    await cpu.hlt()


everywhere = st.tuples(st.sampled_from(["nop", "add", "lose", "tile", "expect"]))
critical = st.lists(st.one_of(everywhere, st.tuples(st.just("xfd_err"))), max_size=2).map(tuple)
in_kernel = st.one_of(
    everywhere,
    st.tuples(st.sampled_from(["cond_resched", "xfd_err", "fpu"])),
    st.tuples(st.sampled_from(["irqs off", "no preemption"]), critical),
)
of_host = st.one_of(
    everywhere, st.tuples(st.just("kernel"), st.lists(in_kernel, min_size=1, max_size=3).map(tuple))
)
of_guest = st.one_of(
    everywhere, st.tuples(st.just("xfd"), st.sampled_from([0, TILEDATA])), st.tuples(st.just("xfd_err"))
)
which_cpu = st.integers(0, 1)
host_tasks = st.tuples(
    st.lists(of_host, min_size=1, max_size=3).map(tuple), which_cpu, st.sampled_from([0, TILEDATA])
)
guests = st.tuples(
    st.lists(of_guest, min_size=1, max_size=3).map(tuple), which_cpu, st.sampled_from(SwapName.__args__)
)
machines = st.tuples(
    st.integers(1, 2),
    st.lists(host_tasks, min_size=1, max_size=2),
    st.lists(guests, max_size=1),
    st.tuples(st.integers(1, 2), st.integers(0, 1)),
    st.integers(0, 1),
    st.sampled_from(["recorded", "architectural"]),
    st.integers(0, 1),
)


def build_machine(drawn):
    cpus, tasks, vms, interrupts, migrations, tracking, softirqs = drawn
    world = Machine(cpus=cpus, tracking=tracking, softirq=use_fpu if softirqs else None)
    shared = world.variable("shared", 0)
    made = [
        world.host_task(host_code, operations, shared, cpu=cpu % cpus, perm=perm, name=f"task{number}")
        for number, (operations, cpu, perm) in enumerate(tasks)
    ]
    for number, (operations, cpu, swap) in enumerate(vms):
        guest = world.guest(
            guest_code, operations, shared, dynamic_features=TILEDATA, name=f"guest{number}", cpu=cpu % cpus
        )
        world.vcpu_thread(guest, form(swap, guest.dynamic_features), cpu=cpu % cpus, name=f"vcpu{number}")
    for cpu, budget in enumerate(interrupts[:cpus]):
        world.interrupts(cpu, external=budget, softirq=0 if cpu else softirqs)
    if cpus > 1:
        world.migrations(made[0], to=1, count=migrations)
    world.always("shared stays small", stays_small, shared.cell)
    world.sometimes("a task is off CPU", off_cpu, *(one.placement for one in made))
    return world


def stays_small(value):
    return value < 5


def off_cpu(*placements):
    return any(placement.cpu is None for placement in placements)
