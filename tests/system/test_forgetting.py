"""A program of the kernel remembers what it still needs, and not how often it was interrupted on the way."""

from actors.explore.tables.tables import Tables
from actors.machine.model import TILEDATA
from actors.system.guest import amx_guest
from actors.system.kvm import FULL
from actors.system.machine import Machine
from actors.system.tasks import amx_task


def local_states(interrupts: int) -> dict[str, int]:
    """Explore a guest and a task on one CPU, and return how many states each program was in."""
    world = Machine()
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, name="task")
    world.interrupts(external=interrupts)
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


def test_one_more_interrupt_leads_a_program_into_no_new_state():
    three, four = local_states(3), local_states(4)
    for name in ("guest", "vcpu", "task", "idle0"):
        assert three[name] == four[name]
    assert three["irq0"] < four["irq0"], "its budget is its own"
