"""What the CPU as kernel code holds it adds: per-CPU operations, and faults and work handled inline, then the same again."""

import pytest

from actors.machine.model import TILEDATA
from actors.runtime import set_label
from actors.system.kernel.data import Fpstate, Task
from actors.system.machine import Machine
from protocol.handles import Cell, Program


async def counts(cpu):
    set_label("added", await cpu.this_cpu_add(cpu.kernel.preempt_count, 3))
    set_label("read", await cpu.this_cpu_read(cpu.kernel.preempt_count))
    await cpu.this_cpu_write(cpu.kernel.preempt_count, 0)
    set_label("written", await cpu.this_cpu_read(cpu.kernel.preempt_count))


@pytest.mark.trio
async def test_per_cpu_operations_are_one_step_each_on_the_cpus_own_variable(tell):
    world = Machine(cpus=2)
    world.host_task(counts, cpu=1, name="task")
    story = await tell(world)
    assert story.labels("task") == {"added": 3, "read": 3, "written": 0}
    changed = [cell for before in story.states for cell in before if cell.name.endswith("preempt_count")]
    assert set(changed) == {Cell("cpu1.preempt_count")}
    assert [text for text in story.of("task") if "preempt_count" in text] == [
        "this_cpu add preempt_count 3",
        "this_cpu load preempt_count",
        "this_cpu store preempt_count 0",
        "this_cpu load preempt_count",
    ]


async def stores(cpu):
    await cpu.store(cpu.task.fpstate.xfd, 0)


@pytest.mark.trio
async def test_an_instruction_that_was_interrupted_is_sent_again_and_happens_once(tell, before_message):
    world = Machine()
    world.host_task(stores, name="task")
    world.interrupts(external=1)
    story = await tell(world, before_message("irq0", "task", "store"))
    sent = [text for text in story.of("task") if text.startswith("store")]
    assert len(sent) == 2
    cell = Fpstate("task").xfd
    before = [state[cell] for state in story.states if cell in state]
    assert before == [TILEDATA, TILEDATA], "the first of the two has not stored"
    assert story.execution.cells[cell] == 0


def test_cells_are_named_as_the_kernel_writes_them():
    task = Task(Program("task"), Fpstate("task"))
    assert task.fpstate.xfd == Cell("task->fpstate.xfd")
    assert task.fpstate.regs == Cell("task->fpstate.regs")
    assert (task.perm, task.kthread) == (0, False)
