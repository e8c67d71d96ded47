"""Each invariant, alone, is broken by a fault that is put in, and holds without it."""

import msgspec
import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import TILEDATA
from actors.machine.xstate.tiles import config
from actors.runtime import scenario
from actors.system import Machine
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.fpu.registers import os_xsave
from actors.system.fpu.xfd import xfd_set_state
from actors.system.invariants import INVARIANTS, SHIPPED
from actors.system.kernel.layout import enlarged
from actors.system.kernel.vmalloc import VMALLOC, Vzalloc
from actors.system.sched import fpregs_lock, fpregs_unlock
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import kernel_fpu_begin, kernel_fpu_end, use_fpu
from protocol.registers import Msr

A, B, TILE = 0xAAAA_AAAA_AAAA_AAAA, 0xBBBB_BBBB_BBBB_BBBB, b"\xb1" * 1024


async def leaves_xcr0(cpu):
    """A system call that forgets a guest's XCR0 in the register."""
    await cpu.syscall()
    await cpu.xsetbv(3)


async def publishes_what_is_not_there(cpu):
    """A system call that publishes a larger fpstate, and allocates it later."""
    await cpu.syscall()
    ref = await cpu.read(cpu.me.fpstate)
    new = enlarged(cpu.processor.model, ref, cpu.me.name, TILEDATA)
    await cpu.write(cpu.me.fpstate, new)
    await cpu.through(VMALLOC, Vzalloc(new))


async def arms_xfd_alone(cpu):
    """A task that uses tiles, and a system call that writes XFD and not its copy, as a reset does."""
    await tile_task(cpu, B, TILE)
    await arm(cpu, cpu.kernel.dynamic)


async def arm(cpu, xfd):
    await cpu.syscall()
    await cpu.wrmsr(Msr.XFD, xfd)
    await syscall_exit_to_user_mode(cpu)


async def saves_too_much(cpu):
    """A system call that saves more than the fpstate has room for, while XFD disables nothing."""
    await cpu.syscall()
    own = await cpu.read(cpu.me.fpstate)
    await fpregs_lock(cpu)
    await xfd_set_state(cpu, 0)
    await os_xsave(cpu, msgspec.structs.replace(own, xfeatures=cpu.kernel.features))
    await xfd_set_state(cpu, cpu.kernel.dynamic)
    await fpregs_unlock(cpu)


async def uses_tiles_in_the_kernel(cpu):
    """A system call that uses a tile without kernel_fpu_begin(), under the task's XFD."""
    await cpu.ldtilecfg(config(16))
    await cpu.syscall()
    await cpu.tilezero(0)


async def nests(cpu):
    """A system call that uses the FPU while it uses the FPU."""
    await cpu.syscall()
    await kernel_fpu_begin(cpu)
    await use_fpu(cpu)
    await kernel_fpu_end(cpu)


CODE = {
    one.__name__: one
    for one in (
        leaves_xcr0,
        publishes_what_is_not_there,
        arms_xfd_alone,
        saves_too_much,
        uses_tiles_in_the_kernel,
        nests,
    )
}


@scenario()
def seeded(invariant: str = "I1", fault: str = "", softirq: int = 0) -> Machine:
    """Does it hold?"""
    bad = CODE.get(fault)
    machine = Machine(softirq=use_fpu if softirq else None, mutant="" if bad else fault)
    a = machine.host_task(vector_task, A, name="A")
    b = machine.host_task(bad or tile_task, *(() if bad else (B, TILE)), perm=TILEDATA, name="B")
    machine.secret(a, A)
    machine.secret(b, B, TILE)
    machine.interrupts(external=1, softirq=softirq)
    machine.invariants(invariant)
    return machine


FAULTS = [
    ("I1", "xfd_err_kept", 0),
    ("I1s", "xfd_err_kept", 0),
    ("I2", "xfd_state_not_written", 0),
    ("I3", "need_load_unset", 0),
    ("I4", "arms_xfd_alone", 1),
    ("I5", "publishes_what_is_not_there", 1),
    ("I5", "saves_too_much", 0),
    ("I6", "switch_unsaved", 0),
    ("I6", "owner_kept", 1),
    ("I7", "leaves_xcr0", 0),
    ("I9", "flags_read_once", 0),
    ("I9", "own_features_only", 1),
    ("I10", "uses_tiles_in_the_kernel", 0),
    ("xfd_validate_state", "xfd_not_updated", 0),
    ("xfd_validate_state", "saves_too_much", 0),
    ("WARN", "nests", 0),
    ("WARN", "uses_tiles_in_the_kernel", 0),
]


def test_there_is_a_fault_for_each():
    assert {invariant for invariant, _, _ in FAULTS} == set(INVARIANTS)


@pytest.mark.parametrize(("invariant", "fault", "softirq"), FAULTS)
def test_a_fault_breaks_it(invariant, fault, softirq):
    found = verify(seeded, {"invariant": invariant, "fault": fault, "softirq": softirq}, Demand())
    assert found.verdict == "violated"
    assert found.recorded is not None
    assert all(name.startswith(f"{invariant}:") for name in found.recorded.names), found.recorded.names


@pytest.mark.parametrize("invariant", SHIPPED)
def test_it_holds_without(invariant):
    found = verify(seeded, {"invariant": invariant}, Demand())
    assert found.verdict == "proved"
