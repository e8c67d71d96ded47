"""Softirqs: at the end of an interrupt, and only of the outermost; in the context that was interrupted; until none is pending."""

import pytest

from actors.runtime import set_label
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.entry.interrupts import device_interrupt
from actors.system.kernel.preempt_count import (
    HARDIRQ_MASK,
    HARDIRQ_OFFSET,
    PREEMPT_OFFSET,
    SOFTIRQ_DISABLE_OFFSET,
    SOFTIRQ_MASK,
    SOFTIRQ_OFFSET,
)
from actors.system.machine import Machine
from actors.system.sched import preempt_disable, preempt_enable
from actors.system.sched.softirq import do_softirq, irq_enter, irq_exit, raise_softirq_irqoff
from actors.system.tasks import busy_task, xmm_task
from actors.system.xstate.kernel_fpu import use_fpu
from tests.system.calling import inside, of, one_task, put
from tests.system.orders import Nested


async def leaves_its_mark(cpu):
    await cpu.xgetbv()


def with_softirq(code=busy_task, action=leaves_its_mark, *args, softirq=1, external=0):
    world = Machine(softirq=action)
    world.host_task(code, *args, name="task")
    world.interrupts(softirq=softirq, external=external)
    return world


@pytest.mark.trio
async def test_a_softirq_runs_when_the_interrupt_that_raised_it_is_over_with_interrupts_on(
    tell, before_message
):
    story = await tell(with_softirq(), before_message("softirq0", "task", "nop"))
    assert story.of("softirq0") == [
        "external interrupt 0xec",
        f"this_cpu add preempt_count {HARDIRQ_OFFSET}",
        "this_cpu store softirq_pending True",
        f"this_cpu add preempt_count {-HARDIRQ_OFFSET}",
        "this_cpu load softirq_pending",
        f"this_cpu add preempt_count {SOFTIRQ_OFFSET}",
        "this_cpu store softirq_pending False",
        "sti",
        "xgetbv 0",
        "cli",
        "this_cpu load softirq_pending",
        f"this_cpu add preempt_count {-SOFTIRQ_OFFSET}",
        "iret by way of exit_to_user_mode",
    ]


@pytest.mark.trio
async def test_an_interrupt_that_raises_none_looks_and_goes(tell, before_message):
    world = with_softirq(external=1)
    texts = (await tell(world, before_message("irq0", "task", "nop"))).of("irq0")
    assert texts[-2:] == ["this_cpu load softirq_pending", "iret by way of exit_to_user_mode"]
    world = Machine()
    world.host_task(busy_task, name="task")
    world.interrupts(external=1)
    texts = (await tell(world, before_message("irq0", "task", "nop"))).of("irq0")
    assert "this_cpu load softirq_pending" not in texts, "a kernel without a softirq has nothing to look at"


async def with_preemption_off(cpu):
    await cpu.syscall()
    await preempt_disable(cpu)
    await cpu.xgetbv(1)
    await preempt_enable(cpu)
    await syscall_exit_to_user_mode(cpu)


@pytest.mark.trio
async def test_preempt_disable_does_not_keep_softirqs_out(tell, before_message):
    story = await tell(with_softirq(with_preemption_off), before_message("softirq0", "task", "xgetbv 1"))
    assert "xgetbv 0" in story.of("softirq0")
    assert story.of("softirq0")[-1] == "iret", "but nobody is preempted"


async def exits_an_interrupt(cpu, count):
    await cpu.this_cpu_write(cpu.kernel.preempt_count, count)
    await cpu.this_cpu_write(cpu.kernel.softirq_pending, True)
    await cpu.cli()
    left = await irq_exit(cpu)
    await cpu.this_cpu_write(cpu.kernel.preempt_count, 0)
    return left


@pytest.mark.trio
@pytest.mark.parametrize(
    ("below", "runs"),
    [
        pytest.param(0, True, id="from user mode, or the kernel with everything on"),
        pytest.param(3 * PREEMPT_OFFSET, True, id="preemption off"),
        pytest.param(SOFTIRQ_DISABLE_OFFSET, False, id="bottom halves off"),
        pytest.param(SOFTIRQ_OFFSET, False, id="a softirq was interrupted"),
        pytest.param(HARDIRQ_OFFSET, False, id="another interrupt was interrupted"),
        pytest.param(1 << 20, False, id="an NMI"),
    ],
)
async def test_it_runs_unless_what_was_interrupted_is_an_interrupt_itself(tell, below, runs):
    story = await tell(one_task(exits_an_interrupt, below + HARDIRQ_OFFSET, softirq=leaves_its_mark))
    assert ("xgetbv 0" in inside(story)) == runs
    assert story.labels("task").get("result") == below
    assert not below & HARDIRQ_MASK or "this_cpu load softirq_pending" not in inside(story)


async def raises_again(cpu):
    if not await cpu.this_cpu_read(cpu.kernel.in_kernel_fpu):
        await cpu.this_cpu_write(cpu.kernel.in_kernel_fpu, True)
        await raise_softirq_irqoff(cpu)


@pytest.mark.trio
async def test_what_is_raised_meanwhile_runs_in_another_round_of_the_same_softirq(tell):
    texts = inside(await tell(one_task(served, softirq=raises_again)))
    assert texts.count("this_cpu load in_kernel_fpu") == 2
    assert texts.count("this_cpu store softirq_pending False") == 2
    assert texts.count(f"this_cpu add preempt_count {SOFTIRQ_OFFSET}") == 1
    assert texts[-2:] == [f"this_cpu add preempt_count {-SOFTIRQ_OFFSET}", "sti"]


async def served(cpu):
    await raise_softirq_irqoff(cpu)
    await do_softirq(cpu)


async def counts_itself(cpu):
    count = await cpu.this_cpu_read(cpu.kernel.preempt_count)
    assert count & SOFTIRQ_MASK == SOFTIRQ_OFFSET
    assert not count & HARDIRQ_MASK
    await cpu.nop()
    await cpu.nop()


@pytest.mark.trio
async def test_an_interrupt_inside_a_softirq_raises_another_which_the_first_one_runs(tell):
    """Two devices: the second interrupts what the first one's softirq does."""
    world = Machine(softirq=counts_itself)
    world.host_task(busy_task, name="task")
    world.interrupts(softirq=1)
    world._interrupt_source(0, "second", device_interrupt, "softirq", 1)
    story = await tell(world, Nested("second0", "nop"))
    assert story.execution.ending == "finished", story.failure
    second = story.of("second0")
    assert second == [
        "external interrupt 0xec",
        f"this_cpu add preempt_count {HARDIRQ_OFFSET}",
        "this_cpu store softirq_pending True",
        f"this_cpu add preempt_count {-HARDIRQ_OFFSET}",
        "iret",
    ], "in_interrupt(): not even looked at"
    first = story.of("softirq0")
    assert first.count("this_cpu store softirq_pending False") == 2
    assert first.count(f"this_cpu add preempt_count {SOFTIRQ_OFFSET}") == 1


@pytest.mark.trio
async def test_a_tick_inside_a_softirq_preempts_nobody_until_the_softirq_is_over(tell):
    world = Machine(softirq=counts_itself)
    world.host_task(busy_task, name="task")
    world.host_task(busy_task, name="other")
    world.interrupts(softirq=1, external=1)
    story = await tell(world, Nested("irq0", "nop"))
    assert story.execution.ending == "finished", story.failure
    assert story.of("irq0")[-1] == "iret", "the count is not 0, so it leaves no work"
    assert story.of("softirq0")[-1] == "iret by way of exit_to_user_mode"
    order = [(name, text) for name, _, _, text in story.steps]
    assert order.index(("irq0", "iret")) < order.index(("softirq0", "iret by way of exit_to_user_mode"))
    assert "switch_to other" in story.of("task")[: story.of("task").index("syscall")]


# What a softirq does with the registers.


@pytest.mark.trio
async def test_it_saves_the_state_of_the_task_that_it_interrupted_which_loads_it_on_its_way_back(
    tell, before_message
):
    world = with_softirq(xmm_task, use_fpu, 0xAAAA)
    story = await tell(world, before_message("softirq0", "task", "nop"))
    texts = story.of("softirq0")
    assert texts[texts.index("this_cpu load current_task") :][:5] == [
        "this_cpu load current_task",
        "read the flags of task",
        "set TIF_NEED_FPU_LOAD of task",
        "load task->fpu.fpstate",
        "xsaves SSE|TILECFG",
    ]
    back = story.of("task")
    assert "xrstors SSE|TILECFG|TILEDATA" in back[back.index("nop") :]
    assert story.labels("task")["found"] is True


@pytest.mark.trio
async def test_wherever_it_lands_the_task_finds_its_value_again(sample):
    landed = 0
    for story in await sample(with_softirq(xmm_task, use_fpu, 0xAAAA, softirq=2), 100):
        assert story.execution.ending == "finished", story.failure
        assert story.labels("task")["found"] is True
        landed += "movq xmm0 0xc0ffee" in story.of("softirq0")
    assert landed > 30


@pytest.mark.trio
async def test_over_a_kernel_thread_it_saves_nothing(tell, when):
    world = Machine(cpus=2, softirq=use_fpu)
    world.host_task(busy_task, name="task")
    world.interrupts(1, softirq=1)
    story = await tell(world, when("softirq1", lambda _: True))
    texts = story.of("softirq1")
    assert "read the flags of idle1" in texts
    assert "movq xmm0 0xc0ffee" in texts
    assert not [text for text in texts if text.startswith(("set TIF", "xsaves")) or "fpstate" in text]


# Entering.


async def enters(cpu):
    await irq_enter(cpu)
    set_label("count", await cpu.this_cpu_read(cpu.kernel.preempt_count))
    await irq_exit(cpu)


@pytest.mark.trio
async def test_entering_and_leaving_an_interrupt_count_in_its_field(tell):
    world = one_task(enters)
    story = await tell(world)
    assert story.labels("task")["count"] == HARDIRQ_OFFSET
    assert of(story, world.kernel.preempt_count) == 1, "the idle task's"


@pytest.mark.trio
async def test_raising_marks_the_vector_and_runs_nothing(tell):
    world = one_task(raise_softirq_irqoff, softirq=leaves_its_mark)
    put(world, world.kernel.softirq_pending, False)
    story = await tell(world)
    assert inside(story) == ["this_cpu store softirq_pending True"]
