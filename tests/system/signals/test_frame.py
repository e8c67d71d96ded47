"""copy_fpstate_to_sigframe(): its order, its faults, and what may happen in between."""

import pytest

from actors.machine.model import TILEDATA
from actors.machine.xstate.components import SSE, TILES
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.kernel.mm import MAPPED, MM, Mprotect, Prot, Reclaim
from actors.system.signals.frame import copy_fpstate_to_sigframe
from protocol.areas import XsaveArea
from tests.system.signals.worlds import VALUE, between, calls, kernel_call, nothing

LOCK, UNLOCK = "this_cpu add preempt_count 512", "this_cpu add preempt_count -512"
SAVE = ["load task->fpu.fpstate", "xgetbv 1", "xsave SSE"]
PREEMPTION_POINT = "read the flags of task"
EPILOG = ["load task->fpu.fpstate", "put_user sw_bytes of frame"]


def saved(story):
    """XMM0 in the frame, and the components that its header has."""
    cells = story.execution.cells
    area = next(value for cell, value in cells.items() if cell.name == "frame")
    return area.xstate_bv, [
        int.from_bytes(piece[:8], "little") for piece in area.contents if len(piece) == 256
    ]


@pytest.mark.trio
async def test_the_header_is_cleared_then_the_registers_are_saved_under_the_lock_then_the_epilog(tell):
    world, _ = kernel_call(copy_fpstate_to_sigframe)
    story = await tell(world)
    assert between(story.of("task")) == [
        "put_user frame",
        LOCK,
        "read the flags of task",
        *SAVE,
        UNLOCK,
        PREEMPTION_POINT,
        *EPILOG,
    ]
    assert story.labels("task")["returned"] is True
    assert saved(story) == (SSE, [VALUE])


@pytest.mark.trio
async def test_sw_reserved_names_all_that_the_fpstate_has_room_for(tell):
    world, area = kernel_call(copy_fpstate_to_sigframe)
    story = await tell(world)
    room = SSE | TILES & ~TILEDATA
    assert story.execution.cells[area.sw_bytes] == room


@pytest.mark.trio
async def test_a_header_of_an_earlier_frame_leaves_nothing_behind(tell):
    world, area = kernel_call(copy_fpstate_to_sigframe, contents=XsaveArea(xstate_bv=TILES))
    story = await tell(world)
    assert story.execution.cells[area.area].xstate_bv == SSE


@pytest.mark.trio
async def test_a_page_that_is_not_there_yet_is_brought_in_before_anything_is_saved(tell):
    world, _ = kernel_call(copy_fpstate_to_sigframe, resident=False)
    story = await tell(world)
    texts = between(story.of("task"))
    assert texts[:4] == ["put_user frame", "handle_mm_fault frame, write", "put_user frame", LOCK]
    assert saved(story) == (SSE, [VALUE])


def gone_before(text):
    """Whether the task is about to send this for the first time."""
    seen = []

    def about_to(execution):
        pending = execution.running["task"].pending
        if not seen and pending is not None and pending.to.describe(pending.message).startswith(text):
            seen.append(text)
            return True
        return False

    return about_to


async def takes(message):
    await MM.send(message)


def with_taker(make, **frame):
    """A machine in which somebody takes the page away in one step, `make(area)`."""
    world, area = kernel_call(copy_fpstate_to_sigframe, **frame)
    world.program(takes, make(area), name="taker")
    return world


@pytest.mark.trio
async def test_a_fault_inside_the_lock_is_mended_outside_and_all_is_done_again(tell, when):
    story = await tell(with_taker(Reclaim), when("taker", gone_before("xsave SSE")))
    assert between(story.of("task")) == [
        "put_user frame",
        LOCK,
        "read the flags of task",
        *SAVE,
        "iret",  # of the fixup: the fault is told, and nothing was brought in
        UNLOCK,
        PREEMPTION_POINT,
        "put_user frame",
        "handle_mm_fault frame, write",
        "put_user frame",
        LOCK,
        "read the flags of task",
        *SAVE,
        UNLOCK,
        PREEMPTION_POINT,
        *EPILOG,
    ]
    assert saved(story) == (SSE, [VALUE])


@pytest.mark.trio
@pytest.mark.parametrize("prot", [Prot.NONE, Prot.READ])
@pytest.mark.parametrize("point", ["put_user frame", LOCK, "xsave SSE", UNLOCK, "put_user sw_bytes"])
async def test_a_sibling_that_unmaps_or_protects_makes_it_fail_wherever_it_does(tell, when, prot, point):
    world = with_taker(lambda area: Mprotect(area, prot))
    story = await tell(world, when("taker", gone_before(point)))
    assert story.labels("task")["returned"] is False
    assert between(story.of("task"))[-1] == "handle_mm_fault frame, write"
    assert story.execution.ending == "finished"


@pytest.mark.trio
async def test_a_page_that_is_unmapped_behind_the_last_access_is_nobodys_concern_here(tell, when):
    world = with_taker(lambda area: Mprotect(area, Prot.NONE))
    story = await tell(world, when("taker", lambda execution: "xmm0" in execution.running["task"].labels))
    assert story.labels("task")["returned"] is True


@pytest.mark.trio
async def test_a_state_that_is_in_memory_is_brought_into_the_registers_first(tell, before_message):
    world, _ = kernel_call(copy_fpstate_to_sigframe, irq=1)
    story = await tell(world, before_message("irq0", "task", LOCK))
    texts = between(story.of("task"))
    first = texts.index(LOCK, texts.index(LOCK) + 1)
    assert texts[first : first + 4] == [
        LOCK,
        "read the flags of task",
        "this_cpu load fpu_fpregs_owner_ctx",
        "load task->fpu.fpstate",
    ]
    assert "clear TIF_NEED_FPU_LOAD of task" in texts
    assert saved(story) == (SSE, [VALUE])


@pytest.mark.trio
async def test_whatever_happens_in_between_the_frame_has_the_tasks_own_value(sample):
    world, _ = kernel_call(copy_fpstate_to_sigframe, irq=2, resident=False)
    for story in await sample(world, 60):
        assert story.labels("task")["returned"] is True
        assert saved(story) == (SSE, [VALUE])


async def uses_tiles(cpu, area, *, release):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, b"\x55" * 1024)
    if release:
        await cpu.tilerelease()
    await calls(cpu, copy_fpstate_to_sigframe, area)
    set_label("done")


@pytest.mark.trio
@pytest.mark.parametrize(("release", "saves"), [(False, "xsave SSE|TILECFG|TILEDATA"), (True, "xsave SSE")])
async def test_tiles_that_are_initial_are_not_written(tell, release, saves):
    world, area = kernel_call(nothing_with)
    world.host_task(uses_released if release else uses_kept, area, perm=TILEDATA, buffer=TILEDATA, name="amx")
    story = await tell(world)
    assert saves in story.of("amx")
    assert story.execution.cells[area.area].xstate_bv == SSE | (0 if release else TILES)


async def nothing_with(cpu, area):
    del area
    await nothing(cpu)


async def uses_released(cpu, area):
    await uses_tiles(cpu, area, release=True)


async def uses_kept(cpu, area):
    await uses_tiles(cpu, area, release=False)


def test_a_mapping_is_what_is_written_to_by_default():
    assert MAPPED == Prot.READ | Prot.WRITE
