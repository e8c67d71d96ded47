"""A task's first use of a dynamic feature: who gets it, in what order, and what becomes of the old buffer."""

import pytest

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.entry.common import syscall
from actors.system.fpu.registers import save_fpregs_to_fpstate
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags
from actors.system.machine import Machine
from actors.system.sched import schedule
from actors.system.tasks import amx_task, busy_task
from actors.system.xstate.dynamic import Errno, fpstate_realloc, xfd_enable_feature
from protocol.handles import Cell
from protocol.instructions import XsaveArea
from protocol.registers import Msr
from tests.system.calling import TASK, in_order, inside, of, one_task
from tests.system.orders import Failing

BOTH = TILEDATA | HYPOTHETICAL
TILE = b"\x55" * 1024
PERMITTED = ["cli", "task->siglock.acquire", "load task->fpu.perm", "task->siglock.release", "sti"]


def on_mail_2021(code, *args, perm=0):
    return one_task(code, *args, perm=perm, cpu="mail_2021")


# Who gets it.


async def enables(cpu, xfd_err):
    answer = await xfd_enable_feature(cpu, xfd_err)
    fpstate = await cpu.read(cpu.me.fpstate)
    set_label("xfd", (await cpu.read(fpstate.xfd), await cpu.rdmsr(Msr.XFD)))
    return answer


@pytest.mark.trio
@pytest.mark.parametrize(
    ("perm", "xfd_err", "answer", "left"),
    [
        pytest.param(TILEDATA, TILEDATA, None, HYPOTHETICAL, id="permitted"),
        pytest.param(BOTH, BOTH, None, 0, id="both at once"),
        pytest.param(0, TILEDATA, Errno.EPERM, BOTH, id="not permitted"),
        pytest.param(HYPOTHETICAL, TILEDATA, Errno.EPERM, BOTH, id="permitted another"),
        pytest.param(HYPOTHETICAL, BOTH, Errno.EPERM, BOTH, id="a part is not enough"),
        pytest.param(0, TILECFG, None, BOTH, id="nothing dynamic: the user tries again"),
        pytest.param(0, 0, None, BOTH, id="nothing at all"),
    ],
)
async def test_all_that_xfd_err_names_has_to_be_permitted_and_is_then_enabled(
    tell, perm, xfd_err, answer, left
):
    story = await tell(on_mail_2021(enables, xfd_err, perm=perm))
    assert story.labels("task").get("result") == answer
    assert story.labels("task")["xfd"] == (left, left)


@pytest.mark.trio
async def test_a_refusal_reads_the_permission_and_touches_nothing(tell):
    assert inside(await tell(on_mail_2021(xfd_enable_feature, TILEDATA))) == PERMITTED
    assert inside(await tell(on_mail_2021(xfd_enable_feature, 0))) == []


@pytest.mark.trio
@pytest.mark.parametrize(("chooser", "answer"), [(None, None), (Failing(), Errno.EFAULT)])
async def test_without_memory_it_is_efault_and_nothing_has_changed(tell, chooser, answer):
    world = one_task(enables, TILEDATA, perm=TILEDATA, vmalloc_fails=True)
    story = await tell(world, chooser)
    assert story.labels("task").get("result") == answer
    assert story.labels("task")["xfd"] == ((0, 0) if answer is None else (TILEDATA, TILEDATA))
    assert of(story, TASK.fpstate).name == ("task->fpstate[0x40000]" if answer is None else "task->fpstate")


@pytest.mark.trio
async def test_a_kernel_that_never_lacks_memory_does_not_ask(tell):
    texts = inside(await tell(one_task(fpstate_realloc, TILEDATA)))
    assert not [text for text in texts if "choose" in text]


# In what order.


ALLOCATED = [
    "load task->fpu.fpstate",
    "vzalloc task->fpstate[0x40000]",
]
PUBLISHED = [
    "load task->fpstate.xfd",
    "store task->fpstate[0x40000].xfd 0x80000",
    "store task->fpu.fpstate task->fpstate[0x40000]",
    "load task->fpstate[0x40000].xfd",
    "this_cpu load xfd_state",
    "wrmsr XFD 0x80000",
    "this_cpu store xfd_state 0x80000",
]


@pytest.mark.trio
async def test_the_new_fpstate_is_published_and_its_xfd_loaded_under_fpregs_lock(tell):
    assert inside(await tell(on_mail_2021(fpstate_realloc, TILEDATA))) == [
        *ALLOCATED,
        "this_cpu add preempt_count 512",
        "read the flags of task",
        *PUBLISHED,
        "this_cpu add preempt_count -512",
        "read the flags of task",
    ]


async def reallocates_with_state_in_memory(cpu):
    await cpu.set_flag(cpu.me, Flags.TIF_NEED_FPU_LOAD)
    await cpu.this_cpu_write(cpu.kernel.owner, None)
    await cpu.rdpkru()
    await fpstate_realloc(cpu, TILEDATA)
    await cpu.rdpkru()


async def in_the_kernel(cpu, function, *args):
    await syscall(cpu, function, *args)


@pytest.mark.trio
async def test_with_need_load_set_the_state_is_brought_into_the_registers_before_the_layout_changes(tell):
    world = Machine(cpu="mail_2021")
    world.host_task(in_the_kernel, reallocates_with_state_in_memory, name="task")
    texts = inside(await tell(world))
    assert texts[2:] == [
        "this_cpu add preempt_count 512",
        "read the flags of task",
        "this_cpu load fpu_fpregs_owner_ctx",
        "load task->fpu.fpstate",
        "load task->fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors SSE|TILECFG|TILEDATA|APX",
        "this_cpu store fpu_fpregs_owner_ctx task",
        "store task->fpu.last_cpu 0",
        "clear TIF_NEED_FPU_LOAD of task",
        *PUBLISHED,
        "this_cpu add preempt_count -512",
        "read the flags of task",
    ]


async def preempted_between_fault_and_lock(cpu, value):
    """First use of tiles, with a value in XMM0 that must be there behind it."""
    await cpu.movq(0, value)
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    set_label("found", (await cpu.movq_from(0), await cpu.tilestored(0) == TILE))


def two_that_use_tiles():
    world = Machine()
    world.host_task(preempted_between_fault_and_lock, 0xAAAA, perm=TILEDATA, name="task")
    world.host_task(preempted_between_fault_and_lock, 0xBBBB, perm=TILEDATA, name="other")
    world.interrupts(external=2)
    return world


def both_found(story):
    assert story.execution.ending == "finished", story.failure
    assert story.labels("task")["found"] == (0xAAAA, True)
    assert story.labels("other")["found"] == (0xBBBB, True)


@pytest.mark.trio
async def test_tasks_that_are_preempted_wherever_keep_their_registers(sample):
    for story in await sample(two_that_use_tiles(), 80):
        both_found(story)


@pytest.mark.trio
async def test_a_task_that_is_preempted_before_the_lock_loads_its_registers_under_it(tell, before_message):
    landing = before_message("irq0", "task", "vzalloc task->fpstate[0x40000]")
    story = await tell(two_that_use_tiles(), landing)
    both_found(story)
    texts = story.of("task")
    locked = texts.index("this_cpu add preempt_count 512")
    assert "xrstors SSE|TILECFG|TILEDATA" in texts[locked : locked + 12]


# What becomes of the old one.


async def reallocates_twice(cpu):
    await fpstate_realloc(cpu, TILEDATA)
    first = await cpu.read(cpu.me.fpstate)
    await fpstate_realloc(cpu, HYPOTHETICAL)
    second = await cpu.read(cpu.me.fpstate)
    set_label("regs", (await cpu.load(first.regs) is None, await cpu.load(second.regs) is None))  # no KASAN
    set_label("own", await cpu.load(Cell("task->fpstate.regs")) is None)
    return second.name


@pytest.mark.trio
async def test_a_buffer_that_was_allocated_is_freed_behind_the_lock_and_one_in_the_task_is_not(tell):
    story = await tell(on_mail_2021(reallocates_twice))
    assert story.labels("task")["regs"] == (True, False)
    assert story.labels("task")["own"] is False
    assert story.labels("task").get("result") == "task->fpstate[0xc0000]"
    texts = inside(story)
    assert in_order(
        texts,
        "store task->fpu.fpstate task->fpstate[0xc0000]",
        "this_cpu add preempt_count -512",
        "vfree task->fpstate[0x40000]",
    )
    assert [text for text in texts if text.startswith("vfree")] == ["vfree task->fpstate[0x40000]"]


async def saves_to_the_old_one(cpu):
    """A bug: the pointer is set back to a buffer that was freed, and a context switch saves there."""
    await fpstate_realloc(cpu, TILEDATA)
    old = await cpu.read(cpu.me.fpstate)
    await fpstate_realloc(cpu, HYPOTHETICAL)
    await cpu.write(cpu.me.fpstate, old)
    await save_fpregs_to_fpstate(cpu, cpu.me)


@pytest.mark.trio
async def test_a_save_to_a_buffer_that_was_freed_is_a_finding_with_its_schedule(tell):
    story = await tell(on_mail_2021(saves_to_the_old_one))
    assert story.execution.ending == "violated"
    assert story.failure.program == "task"
    assert (story.failure.type, story.failure.text) == (
        "KasanBug",
        "BUG: KASAN: use-after-free in task->fpstate[0x40000].regs: it is not allocated, or was freed",
    )
    assert story.of("task")[-1] == "xsaves SSE|TILECFG|TILEDATA"
    assert in_order(story.of("task"), "vfree task->fpstate[0x40000]", "xsaves SSE|TILECFG|TILEDATA")


async def switches_with_the_old_one(cpu):
    await fpstate_realloc(cpu, TILEDATA)
    await cpu.store((await cpu.read(cpu.me.fpstate)).regs, None)
    await schedule(cpu)


@pytest.mark.trio
async def test_so_is_a_context_switch_that_saves_there(tell):
    world = Machine()
    world.host_task(in_the_kernel, switches_with_the_old_one, perm=TILEDATA, name="task")
    world.host_task(busy_task, name="other")
    story = await tell(world)
    assert "is not allocated, or was freed" in story.failure.text


# All of it, from user mode.


@pytest.mark.trio
async def test_an_amx_task_takes_nm_once_and_uses_the_larger_buffer_from_then_on(tell, before_message):
    world = Machine()
    world.host_task(amx_task, TILE, perm=TILEDATA, name="task")
    world.host_task(busy_task, name="other")
    world.interrupts(external=1)
    story = await tell(world, before_message("irq0", "task", "tilestored"))
    saves = [
        message.area for name, message, _, text in story.steps if name == "task" and text.startswith("xsaves")
    ]
    assert saves == [Cell("task->fpstate[0x40000].regs")]
    assert story.labels("task")["loaded"] is True


def test_cells_of_all_buffers_that_a_task_may_come_to_have_are_there_from_the_start():
    world = Machine(cpu="mail_2021")
    world.host_task(busy_task, name="task")
    world.host_task(busy_task, buffer=TILEDATA, name="other")
    regs = {cell.name: value for cell, value in world.cells.items() if cell.name.endswith("].regs")}
    assert isinstance(regs.pop("other->fpstate[0x40000].regs"), XsaveArea)
    assert regs == dict.fromkeys(
        [
            "task->fpstate[0x40000].regs",
            "task->fpstate[0x80000].regs",
            "task->fpstate[0xc0000].regs",
            "other->fpstate[0x80000].regs",
            "other->fpstate[0xc0000].regs",
        ]
    ), "none of the others is allocated"
    assert isinstance(world.cells[TASK.fpstate.cell], Fpstate)
