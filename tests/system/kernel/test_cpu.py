"""What the CPU as kernel code holds it adds: per-CPU operations, and faults and work handled inline, then the same again."""

import pytest

from actors.machine.model import TILEDATA
from actors.runtime import set_label
from actors.system.kernel.data import Fpstate
from actors.system.machine import Machine
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.instructions import XsaveArea
from protocol.registers import Msr, Vector
from protocol.replies import Fault
from tests.system.calling import TASK, inside, of, one_task

XFD = Fpstate("task->fpstate", 0, 0, 0).xfd
AREA = Cell("task->fpstate.regs")


async def counts(cpu):
    set_label("added", await cpu.this_cpu_add(cpu.kernel.preempt_count, 3))
    set_label("read", await cpu.this_cpu_read(cpu.kernel.preempt_count))
    set_label("before", await cpu.this_cpu_xchg(cpu.kernel.preempt_count, 5))
    await cpu.this_cpu_write(cpu.kernel.preempt_count, 0)
    set_label("written", await cpu.this_cpu_read(cpu.kernel.preempt_count))


@pytest.mark.trio
async def test_per_cpu_operations_are_one_step_each_on_the_cpus_own_variable(tell):
    world = Machine(cpus=2)
    world.host_task(counts, cpu=1, name="task")
    story = await tell(world)
    assert story.labels("task") == {"added": 3, "read": 3, "before": 3, "written": 0}
    changed = [cell for before in story.states for cell in before if cell.name.endswith("preempt_count")]
    assert set(changed) == {Cell("cpu1.preempt_count")}
    assert [text for text in story.of("task") if "preempt_count" in text][:5] == [
        "this_cpu add preempt_count 3",
        "this_cpu load preempt_count",
        "this_cpu xchg preempt_count 5",
        "this_cpu store preempt_count 0",
        "this_cpu load preempt_count",
    ]


async def stores(cpu):
    await cpu.write(XFD, 0)


@pytest.mark.trio
async def test_an_instruction_that_was_interrupted_is_sent_again_and_happens_once(tell, before_message):
    world = Machine()
    world.host_task(stores, name="task")
    world.interrupts(external=1)
    story = await tell(world, before_message("irq0", "task", "store"))
    sent = [text for text in story.of("task") if text.startswith("store task->fpstate.xfd")]
    assert len(sent) == 2
    before = [state[XFD.cell] for state in story.states if XFD.cell in state]
    assert before == [TILEDATA, TILEDATA], "the first of the two has not stored"
    assert of(story, XFD) == 0


# Who runs.


async def reads_current(cpu):
    assert cpu.me == await cpu.current() == TASK
    return await cpu.read_current()


@pytest.mark.trio
async def test_a_task_knows_itself_and_finds_itself_in_current_task(tell):
    story = await tell(one_task(reads_current))
    assert inside(story) == ["this_cpu load current_task"], "its own name costs it no step"
    assert story.labels("task").get("result") == Program("task")


async def finds_current(cpu):
    assert await cpu.current() == TASK
    with pytest.raises(AssertionError, match="an interrupt's handler is no task"):
        assert cpu.me


@pytest.mark.trio
async def test_a_handler_reads_current_task_and_is_none_itself(tell, before_message):
    world = Machine(softirq=finds_current)
    world.host_task(stores, name="task")
    world.interrupts(softirq=1)
    story = await tell(world, before_message("softirq0", "task", "store"))
    assert "this_cpu load current_task" in story.of("softirq0")
    assert story.execution.ending == "finished", story.failure


async def asks_where(cpu):
    return await cpu.smp_processor_id()


@pytest.mark.trio
async def test_its_number_is_a_constant_on_one_cpu_and_read_on_several(tell):
    alone = await tell(one_task(asks_where))
    assert (inside(alone), alone.labels("task").get("result")) == ([], 0)
    world = Machine(cpus=2)
    world.host_task(asks_where_in_user_mode, cpu=1, name="task")
    story = await tell(world)
    assert story.labels("task") == {"number": 1}
    assert "this_cpu load cpu_number" in story.of("task")


async def asks_where_in_user_mode(cpu):
    set_label("number", await cpu.smp_processor_id())


# Instructions with an entry in the exception table.


async def attempts(cpu, instruction):
    return await cpu.attempt(instruction)


@pytest.mark.trio
async def test_an_attempt_that_succeeds_returns_nothing(tell):
    story = await tell(one_task(attempts, op.Xrstors(2, AREA)))
    assert story.labels("task").get("result") is None
    assert inside(story) == ["xrstors SSE"]


@pytest.mark.trio
async def test_one_that_faults_returns_the_fault_behind_the_exception(tell):
    story = await tell(one_task(attempts, op.Rdmsr(0x10)))
    assert story.labels("task").get("result") == Fault(Vector.GP, 0)
    assert inside(story) == ["rdmsr 0x10", "iret"], "the fixup goes on behind the instruction"
    assert story.execution.ending == "finished"


async def arms_and_attempts(cpu):
    await cpu.store(AREA, XsaveArea(TILEDATA, 1 << 63 | TILEDATA))
    return await cpu.attempt(op.Xrstors(TILEDATA, AREA))


@pytest.mark.trio
async def test_nm_has_no_fixup(tell):
    story = await tell(one_task(arms_and_attempts))
    assert (story.failure.type, story.failure.text) == ("Die", "unexpected #NM exception")


@pytest.mark.trio
async def test_an_attempt_that_was_interrupted_is_made_again(tell, before_message):
    world = one_task(attempts, op.Rdmsr(Msr.XFD))
    world.interrupts(external=1)
    story = await tell(world, before_message("irq0", "task", "rdmsr"))
    assert inside(story).count("rdmsr XFD") == 2
    assert "this_cpu pick from runqueue" in inside(story), "what the interrupt left was done between them"
    assert story.labels("task").get("result") is None
