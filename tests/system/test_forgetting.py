"""A program of the kernel remembers what it still needs, and not how often it was interrupted on the way."""

from collections.abc import Callable

import pytest

from actors.explore.tables.tables import Tables
from actors.machine.model import TILEDATA
from actors.system.guest import amx_guest
from actors.system.kvm import FULL
from actors.system.machine import Machine
from actors.system.tasks import amx_task, busy_task
from actors.system.xstate.kernel_fpu import use_fpu


def two_tasks(interrupts: int) -> Machine:
    world = Machine()
    world.host_task(busy_task, name="task")
    world.host_task(busy_task, name="other")
    world.interrupts(external=interrupts)
    return world


def a_task_and_softirqs(interrupts: int) -> Machine:
    world = Machine(softirq=use_fpu)
    world.host_task(busy_task, name="task")
    world.interrupts(softirq=interrupts)
    return world


def a_vcpu_and_a_task(interrupts: int) -> Machine:
    world = Machine()
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    world.host_task(busy_task, name="task")
    world.interrupts(external=interrupts)
    return world


def a_task_with_amx(interrupts: int) -> Machine:
    world = Machine()
    world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, name="task")
    world.host_task(busy_task, name="other")
    world.interrupts(external=interrupts)
    return world


def local_states(world: Machine) -> dict[str, int]:
    """Explore a world, and return how many states each program was in."""
    with Tables(world) as tables:
        waiting, seen = [tables.initial()], set()
        while waiting:
            row = waiting.pop()
            if row not in seen:
                seen.add(row)
                waiting += [tables.after(row, move) for _, _, moves in tables.options(row) for move in moves]
        programs = tables.layout.programs
        return {
            name: len(tables.layout.histories[column].nodes) - 1 for (name, _), column in programs.items()
        }


@pytest.mark.parametrize(
    ("build", "enough"),
    [
        (two_tasks, 4),
        (a_task_and_softirqs, 3),
        (a_vcpu_and_a_task, 4),
        pytest.param(a_task_with_amx, 6, marks=pytest.mark.full),
    ],
)
def test_one_more_interrupt_leads_a_program_into_no_new_state(build: Callable[[int], Machine], enough: int):
    some, one_more = local_states(build(enough)), local_states(build(enough + 1))
    sources = {name for name in some if name.startswith(("irq", "softirq"))}
    for name in some:
        if name not in sources:
            assert some[name] == one_more[name]
    assert all(some[name] <= one_more[name] for name in sources), "its budget is its own"
    assert some != one_more


def test_the_idle_task_forgets_what_else_is_in_use_when_it_knows_whether_tiles_are():
    """By the manual XGETBV may call each initial component in use or not: hundreds of answers to a question with two."""
    world = Machine(tracking="architectural")
    world.host_task(busy_task, name="task")
    assert local_states(world)["idle0"] < 64
