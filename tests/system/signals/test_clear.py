"""fpu__clear_user_states(): XFD, initial state, owner, in this order."""

import pytest

from actors.machine.state import cpu_cell
from actors.machine.xstate.components import TILEDATA
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.recorder import Recorder
from actors.runtime.schedule import Default
from actors.system.xstate.clear import fpu__clear_user_states
from tests.system.signals.worlds import between, kernel_call

LOCK, UNLOCK = "this_cpu add preempt_count 512", "this_cpu add preempt_count -512"
XFD = ["load task->fpu.fpstate", "load task->fpstate.xfd", "this_cpu load xfd_state"]
ACTIVATE = [
    "xrstors SSE|TILECFG|TILEDATA",
    "this_cpu store fpu_fpregs_owner_ctx task",
    "store task->fpu.last_cpu 0",
    "clear TIF_NEED_FPU_LOAD of task",
    UNLOCK,
    "read the flags of task",
]


async def clears(cpu, area):
    del area
    await fpu__clear_user_states(cpu)


@pytest.mark.trio
@pytest.mark.parametrize(("fixes", "xfd"), [("shipped", XFD), ("-388eff894d6b", [])])
async def test_xfd_is_synced_before_the_restore_since_the_fix(tell, fixes, xfd):
    world, _ = kernel_call(clears, fixes=fixes)
    story = await tell(world)
    assert between(story.of("task")) == [LOCK, *xfd, *ACTIVATE]
    assert story.labels("task")["xmm0"] == 0


@pytest.mark.trio
@pytest.mark.parametrize(("fixes", "left"), [("shipped", TILEDATA), ("-388eff894d6b", 0)])
async def test_another_tasks_xfd_is_replaced(tell, before_message, fixes, left):
    world, _ = kernel_call(clears, fixes=fixes, irq=1)
    world.host_task(spends, perm=TILEDATA, buffer=TILEDATA, name="amx")
    queue = world.kernel.runqueue.each[0].cell
    world.cells[queue] = world.cells[queue][1:]
    story = await tell(world, before_message("irq0", "task", LOCK))
    active = [
        state[cpu_cell(0)].x.xfd
        for (name, _, _, text), state in zip(story.steps, story.states, strict=True)
        if name == "task" and text == "this_cpu store fpu_fpregs_owner_ctx task"
    ]
    assert active[-1] == left


async def spends(cpu):
    await cpu.nop()
    await cpu.syscall()
    from actors.system.sched.schedule import schedule

    await schedule(cpu)
    await cpu.cli()
    await cpu.iret()


@pytest.mark.trio
async def test_it_says_where_the_registers_become_the_tasks_so_that_a_chart_shows_it():
    world, _ = kernel_call(clears)
    recorder = Recorder()
    async with open_driver(world) as driver:
        await driver.run(Default(), observer=recorder)
    said = {name: step.text for step in recorder.steps for name, value in step.labels if value == "True"}
    assert said["owner"] == "this_cpu store fpu_fpregs_owner_ctx task"
    assert said["activated"] == "clear TIF_NEED_FPU_LOAD of task"
