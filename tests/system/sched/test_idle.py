"""The task that runs when no other can: it gives the tiles up, waits, and switches to what comes."""

import pytest

from actors.machine.state import cpu_cell
from actors.system.kernel.flags import Flags
from actors.system.machine import Machine
from actors.system.sched.idle import arch_cpu_idle_enter
from actors.system.tasks import busy_task
from tests.system.calling import inside, one_task
from tests.system.orders import InTurn


@pytest.mark.trio
async def test_it_has_the_cpu_back_when_the_last_task_is_gone(tell):
    world = Machine()
    world.host_task(busy_task, name="only")
    story = await tell(world)
    assert story.of("only")[-2:] == ["this_cpu load idle_task", "switch_to idle0"]
    assert story.execution.cells[cpu_cell(0)].top.program.name == "idle0"


def test_it_is_a_kernel_thread_on_each_cpu_and_on_no_run_queue():
    world = Machine(cpus=2)
    flags = [world.cells[cell] for cell in world.cells if cell.name in {"idle0->flags", "idle1->flags"}]
    assert flags == [Flags.PF_KTHREAD, Flags.PF_KTHREAD]
    assert [world.cells[queue.cell] for queue in world.kernel.runqueue.each] == [(), ()]
    assert not [cell for cell in world.cells if cell.name.startswith("idle") and "fpu" in cell.name]


async def waits_long(cpu):
    for _ in range(6):
        await cpu.nop()


@pytest.mark.trio
async def test_it_goes_round_each_time_with_a_look_at_the_tiles_before_it_waits(tell):
    world = Machine(cpus=2)
    world.host_task(waits_long, name="first")
    moved = world.host_task(busy_task, name="moved")
    world.migrations(moved, to=1)
    story = await tell(world, InTurn("idle1", "moved", "migration"))
    assert story.of("idle1") == [
        "xgetbv 1",
        "this_cpu wait on runqueue",
        "cli",
        "this_cpu load preempt_count",
        "clear TIF_NEED_RESCHED of idle1",
        "this_cpu pick from runqueue",
        "read the flags of idle1",
        "switch_to moved",
        "set TIF_NEED_FPU_LOAD of idle1",
        "sti",
        "xgetbv 1",
    ], "then there is nothing to run"


@pytest.mark.trio
async def test_entering_idle_asks_the_cpu_whether_tiles_are_in_use(tell):
    assert inside(await tell(one_task(arch_cpu_idle_enter))) == ["xgetbv 1"]
