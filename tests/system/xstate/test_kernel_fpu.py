"""kernel_fpu_begin(): from a task, a softirq and a hard interrupt, and where it must not be called."""

import pytest

from actors.runtime import set_label
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.kernel.data import Task
from actors.system.kernel.flags import Flags
from actors.system.kernel.preempt_count import (
    HARDIRQ_OFFSET,
    NMI_OFFSET,
    PREEMPT_OFFSET,
    SOFTIRQ_DISABLE_OFFSET,
    SOFTIRQ_OFFSET,
)
from actors.system.machine import Machine
from actors.system.sched import do_exit, fpregs_lock, fpregs_unlock
from actors.system.tasks import busy_task, xmm_task
from actors.system.xstate.kernel_fpu import (
    KERNEL_VALUE,
    Kfpu,
    irq_fpu_usable,
    kernel_fpu_begin,
    kernel_fpu_begin_mask,
    kernel_fpu_end,
    use_fpu,
)
from protocol.handles import Program
from tests.system.calling import MARK, TASK, inside, of, one_task, put

WARNING = "WARNING: arch/x86/kernel/fpu/core.c, kernel_fpu_begin_mask()"
GIVEN_UP = ["this_cpu store fpu_fpregs_owner_ctx None", "ldmxcsr 0x1f80"]
TAKEN = [
    "this_cpu add preempt_count 1",
    "this_cpu load preempt_count",
    "this_cpu load in_kernel_fpu",
    "this_cpu store in_kernel_fpu True",
    "read the flags of task",
]


# From a task.


@pytest.mark.trio
async def test_the_flag_is_set_before_the_save_and_then_the_registers_are_nobodys(tell):
    world = one_task(use_fpu)
    story = await tell(world)
    assert inside(story) == [
        *TAKEN,
        "set TIF_NEED_FPU_LOAD of task",
        "load task->fpu.fpstate",
        "xsaves SSE|TILECFG",
        *GIVEN_UP,
        f"movq xmm0 {KERNEL_VALUE:#x}",
        "this_cpu store in_kernel_fpu False",
        "this_cpu add preempt_count -1",
        "read the flags of task",
    ]
    assert "warning" not in story.labels("task")
    assert of(story, world.kernel.in_kernel_fpu) is False


async def uses_it_twice(cpu):
    await use_fpu(cpu)
    await cpu.read_cr0()
    await use_fpu(cpu)


@pytest.mark.trio
async def test_state_that_is_in_memory_already_is_not_saved_again(tell):
    texts = inside(await tell(one_task(uses_it_twice)))
    second = texts[texts.index("read CR0") + 1 :]
    assert second[:7] == [*TAKEN, *GIVEN_UP]


async def value_behind_it(cpu):
    await cpu.movq(0, 0xAAAA)
    await cpu.syscall()
    await use_fpu(cpu)
    set_label("kernel", await cpu.movq_from(0))
    await way_back(cpu)
    set_label("user", await cpu.movq_from(0))


async def way_back(cpu):
    await syscall_exit_to_user_mode(cpu)


@pytest.mark.trio
async def test_the_task_has_its_registers_again_in_user_mode_and_not_before(tell):
    world = Machine()
    world.host_task(value_behind_it, name="task")
    story = await tell(world)
    assert (story.labels("task")["kernel"], story.labels("task")["user"]) == (KERNEL_VALUE, 0xAAAA)


async def as_a_kernel_thread(cpu):
    await cpu.set_flag(cpu.me, Flags.PF_KTHREAD)
    await cpu.rdpkru()
    await use_fpu(cpu)
    await cpu.rdpkru()
    await do_exit(cpu)


@pytest.mark.trio
async def test_a_kernel_thread_has_nothing_to_save(tell):
    world = Machine()
    world._add_task(as_a_kernel_thread, (), 0, Task(Program("task")), 0, 0)
    texts = inside(await tell(world))
    assert texts[:7] == [*TAKEN, *GIVEN_UP]


@pytest.mark.trio
@pytest.mark.parametrize("pending", [False, True])
async def test_its_end_is_a_preemption_point(tell, pending):
    world = one_task(asked_meanwhile, pending)
    texts = inside(await tell(world))
    assert ("this_cpu pick from runqueue" in texts) == pending
    if pending:
        assert texts.index("this_cpu add preempt_count -1") < texts.index("this_cpu pick from runqueue")


async def asked_meanwhile(cpu, pending):
    await kernel_fpu_begin(cpu)
    if pending:
        await cpu.set_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    await kernel_fpu_end(cpu)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("mask", "sent"),
    [
        (Kfpu.MXCSR, ["ldmxcsr 0x1f80"]),
        (Kfpu.X87, ["fninit"]),
        (Kfpu.X87 | Kfpu.MXCSR, ["ldmxcsr 0x1f80", "fninit"]),
        (0, []),
    ],
)
async def test_the_caller_says_which_control_registers_it_wants_initial(tell, mask, sent):
    texts = inside(await tell(one_task(kernel_fpu_begin_mask, mask)))
    assert texts[texts.index(GIVEN_UP[0]) + 1 :] == sent


async def control_register_behind_it(cpu):
    await cpu.ldmxcsr(0x1FC0)
    await cpu.syscall()
    await kernel_fpu_begin(cpu)
    set_label("kernel", await cpu.stmxcsr())
    await kernel_fpu_end(cpu)
    await way_back(cpu)
    set_label("user", await cpu.stmxcsr())


@pytest.mark.trio
async def test_kernel_code_finds_the_initial_mxcsr_and_the_task_its_own(tell):
    world = Machine()
    world.host_task(control_register_behind_it, name="task")
    story = await tell(world)
    assert (story.labels("task")["kernel"], story.labels("task")["user"]) == (0x1F80, 0x1FC0)


# Where it may be used.


async def asks(cpu, count, used):
    await cpu.this_cpu_write(cpu.kernel.preempt_count, count)
    await cpu.this_cpu_write(cpu.kernel.in_kernel_fpu, used)
    usable = await irq_fpu_usable(cpu)
    await cpu.this_cpu_write(cpu.kernel.preempt_count, 0)
    return usable


@pytest.mark.trio
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize(
    ("count", "usable"),
    [
        pytest.param(0, True, id="a task"),
        pytest.param(PREEMPT_OFFSET, True, id="preemption off"),
        pytest.param(SOFTIRQ_OFFSET, True, id="a softirq"),
        pytest.param(SOFTIRQ_DISABLE_OFFSET, True, id="bottom halves off"),
        pytest.param(HARDIRQ_OFFSET, True, id="a hard interrupt"),
        pytest.param(HARDIRQ_OFFSET + PREEMPT_OFFSET, True, id="over preemption off"),
        pytest.param(HARDIRQ_OFFSET + SOFTIRQ_OFFSET, False, id="over a softirq"),
        pytest.param(HARDIRQ_OFFSET + SOFTIRQ_DISABLE_OFFSET, False, id="over fpregs_lock"),
        pytest.param(NMI_OFFSET, False, id="an NMI"),
        pytest.param(NMI_OFFSET + HARDIRQ_OFFSET, False, id="an NMI in a hard interrupt"),
    ],
)
async def test_where_the_registers_may_be_used(tell, count, usable, used):
    world = one_task(asks, count, used)
    assert (await tell(world)).labels("task").get("result") is (usable and not used)


async def uses_it_inside(cpu):
    await kernel_fpu_begin(cpu)
    await use_fpu(cpu)
    await kernel_fpu_end(cpu)


@pytest.mark.trio
async def test_a_section_inside_another_is_warned_of(tell):
    assert (await tell(one_task(uses_it_inside))).labels("task")["warning"] == WARNING
    assert "warning" not in (await tell(one_task(use_fpu))).labels("task")


# From interrupts.


async def from_the_interrupt(cpu):
    """A driver that computes in its handler where it may."""
    if await irq_fpu_usable(cpu):
        await use_fpu(cpu)


def with_a_driver(code, *args):
    world = Machine()
    world.host_task(code, *args, name="task")
    world._interrupt_source(0, "irq", from_the_interrupt, "external interrupt", 1)
    return world


@pytest.mark.trio
async def test_a_hard_interrupt_saves_the_state_of_the_task_that_it_interrupted(tell, before_message):
    story = await tell(with_a_driver(xmm_task, 0xAAAA), before_message("irq0", "task", "nop"))
    texts = story.of("irq0")
    assert texts[texts.index("this_cpu load current_task") :][:6] == [
        "this_cpu load current_task",
        "read the flags of task",
        "set TIF_NEED_FPU_LOAD of task",
        "load task->fpu.fpstate",
        "xsaves SSE|TILECFG",
        "this_cpu store fpu_fpregs_owner_ctx None",
    ]
    assert story.labels("task")["found"] is True


async def holds_the_registers(cpu):
    await cpu.syscall()
    await fpregs_lock(cpu)
    await cpu.rdpkru()
    await cpu.rdpkru()
    await fpregs_unlock(cpu)
    await way_back(cpu)


@pytest.mark.trio
async def test_over_fpregs_lock_the_handler_finds_them_unusable(tell, before_message):
    story = await tell(with_a_driver(holds_the_registers), before_message("irq0", "task", MARK))
    assert story.of("irq0") == [
        "external interrupt 0xec",
        f"this_cpu add preempt_count {HARDIRQ_OFFSET}",
        "this_cpu load preempt_count",
        "this_cpu load in_kernel_fpu",
        f"this_cpu add preempt_count {-HARDIRQ_OFFSET}",
        "iret",
    ]


async def uses_them_itself(cpu):
    await cpu.syscall()
    await kernel_fpu_begin(cpu)
    await cpu.rdpkru()
    await kernel_fpu_end(cpu)
    await way_back(cpu)


@pytest.mark.trio
async def test_and_so_it_does_inside_the_tasks_own_section(tell, before_message):
    story = await tell(with_a_driver(uses_them_itself), before_message("irq0", "task", MARK))
    assert not [text for text in story.of("irq0") if text.startswith(("movq", "xsaves"))]


@pytest.mark.trio
async def test_wherever_interrupts_land_nobody_loses_a_register(sample):
    world = Machine(softirq=from_the_interrupt)
    world.host_task(xmm_task, 0xAAAA, name="task")
    world.host_task(value_behind_it, name="kernel")
    world.interrupts(external=1, softirq=1)
    world._interrupt_source(0, "driver", from_the_interrupt, "external interrupt", 1)
    used = 0
    for story in await sample(world, 120):
        assert story.execution.ending == "finished", story.failure
        assert story.labels("task")["found"] is True
        assert story.labels("kernel")["user"] == 0xAAAA
        used += "movq xmm0 0xc0ffee" in story.of("driver0")
    assert used > 20


@pytest.mark.trio
async def test_the_owner_may_be_kept_only_by_a_mutant(tell):
    for mutant, owner in (("", None), ("owner_kept", Program("task"))):
        world = one_task(owner_behind_it, mutant=mutant)
        put(world, TASK.last_cpu, 0)
        assert (await tell(world)).labels("task").get("result") == owner


async def owner_behind_it(cpu):
    await use_fpu(cpu)
    return await cpu.this_cpu_read(cpu.kernel.owner)


def test_a_task_that_is_busy_is_no_kernel_thread():
    world = Machine()
    task = Task(world.host_task(busy_task, name="task"))
    assert not world.cells[task.flags.cell] & Flags.PF_KTHREAD
