"""fpu__restore_sig(): its order on each path, and what an XRSTOR that fails leaves behind, fix by fix."""

import pytest

from actors.machine.xstate.components import SSE, TILECFG
from actors.system.kernel.mm import MM, Mprotect, Prot, Reclaim
from actors.system.signals.sigreturn import fpu__restore_sig, restore_fpregs_from_user
from tests.system.signals.worlds import VALUE, between, kernel_call

LOCK, UNLOCK = "this_cpu add preempt_count 512", "this_cpu add preempt_count -512"
PREEMPTION_POINT = "read the flags of task"
XFD = ["load task->fpu.fpstate", "load task->fpstate.xfd", "this_cpu load xfd_state"]
ACTIVATE = [
    "this_cpu store fpu_fpregs_owner_ctx task",
    "store task->fpu.last_cpu 0",
    "clear TIF_NEED_FPU_LOAD of task",
]
LOAD = "xrstor SSE|TILECFG"
CLEAR = [LOCK, *XFD, "xrstors SSE|TILECFG|TILEDATA", *ACTIVATE, UNLOCK, PREEMPTION_POINT]
FRAMES = 0xF4A3E
"""XMM0 in a good frame."""


@pytest.mark.trio
async def test_a_good_frame_is_loaded_under_the_lock_behind_xfd_and_the_registers_are_the_tasks(tell):
    world, _ = kernel_call(fpu__restore_sig, contents="good")
    story = await tell(world)
    assert between(story.of("task")) == [
        "get_user sw_bytes of frame",
        LOCK,
        *XFD,
        LOAD,
        *ACTIVATE,
        UNLOCK,
        PREEMPTION_POINT,
    ]
    assert (story.labels("task")["returned"], story.labels("task")["xmm0"]) == (True, FRAMES)


@pytest.mark.trio
async def test_what_the_frame_lacks_is_initial_behind_the_load(tell):
    world, _ = kernel_call(fpu__restore_sig, contents="good", xfeatures=TILECFG)
    story = await tell(world)
    texts = between(story.of("task"))
    first = texts.index("xrstor TILECFG")
    assert texts[first + 1] == "xrstors SSE"
    assert story.labels("task")["xmm0"] == 0


@pytest.mark.trio
async def test_what_the_task_may_not_have_is_not_loaded_whatever_the_frame_says(tell):
    world, _ = kernel_call(fpu__restore_sig, contents="good", xfeatures=(1 << 64) - 1)
    assert LOAD in (await tell(world)).of("task")


async def without_frame(cpu, area):
    del area
    return await fpu__restore_sig(cpu, None)


@pytest.mark.trio
async def test_no_frame_is_initial_state_and_no_failure(tell):
    world, _ = kernel_call(without_frame)
    story = await tell(world)
    assert between(story.of("task")) == CLEAR
    assert (story.labels("task")["returned"], story.labels("task")["xmm0"]) == (True, 0)


@pytest.mark.trio
async def test_a_bad_header_is_a_failure_that_no_page_fault_could_mend(tell):
    world, _ = kernel_call(fpu__restore_sig, contents="bad header")
    story = await tell(world)
    assert between(story.of("task")) == [
        "get_user sw_bytes of frame",
        LOCK,
        *XFD,
        LOAD,
        "iret",
        "read the flags of task",  # TIF_NEED_FPU_LOAD is clear: what the load has left is the task's own
        UNLOCK,
        PREEMPTION_POINT,
        *CLEAR,
    ]
    assert (story.labels("task")["returned"], story.labels("task")["xmm0"]) == (False, 0)


async def takes(message):
    await MM.send(message)


def with_taker(make, what=fpu__restore_sig, **choices):
    world, area = kernel_call(what, contents="good", **choices)
    world.program(takes, make(area), name="taker")
    return world


@pytest.mark.trio
async def test_a_fault_is_mended_outside_the_lock_and_all_is_done_again(tell, before_message):
    world = with_taker(Reclaim)
    story = await tell(world, before_message("taker", "task", LOAD))
    assert between(story.of("task")) == [
        "get_user sw_bytes of frame",
        LOCK,
        *XFD,
        LOAD,
        "iret",
        "read the flags of task",
        UNLOCK,
        PREEMPTION_POINT,
        "handle_mm_fault frame, read",
        LOCK,
        *XFD,
        LOAD,
        *ACTIVATE,
        UNLOCK,
        PREEMPTION_POINT,
    ]
    assert story.labels("task")["xmm0"] == FRAMES


@pytest.mark.trio
@pytest.mark.parametrize("point", ["get_user sw_bytes", LOCK, LOAD])
async def test_a_sibling_that_unmaps_makes_it_fail_wherever_it_does(tell, before_message, point):
    world = with_taker(lambda area: Mprotect(area, Prot.NONE))
    story = await tell(world, before_message("taker", "task", point))
    assert (story.labels("task")["returned"], story.labels("task")["xmm0"]) == (False, 0)
    assert between(story.of("task"))[-len(CLEAR) :] == CLEAR


@pytest.mark.trio
async def test_one_that_only_protects_does_not_mind_a_load(tell, before_message):
    world = with_taker(lambda area: Mprotect(area, Prot.READ))
    story = await tell(world, before_message("taker", "task", LOAD))
    assert (story.labels("task")["returned"], story.labels("task")["xmm0"]) == (True, FRAMES)


@pytest.mark.trio
async def test_a_page_behind_the_first_does_not_hold_sw_reserved(tell, before_message):
    world = with_taker(lambda area: Mprotect(area, Prot.NONE), page=2048)
    story = await tell(world, before_message("taker", "task", "get_user"))
    texts = between(story.of("task"))
    assert texts[:2] == ["get_user sw_bytes of frame", LOCK], "it was read all the same"
    assert story.labels("task")["returned"] is False


async def restores_alone(cpu, area, xfeatures):
    """The load and nothing behind it, so that what it leaves can be seen."""
    return await restore_fpregs_from_user(cpu, area, xfeatures)


def failing(fixes, **choices):
    world, _ = kernel_call(
        restores_alone, SSE | TILECFG, contents="bad header", fixes=fixes, irq=1, **choices
    )
    return world


DEACTIVATE = "this_cpu store fpu_fpregs_owner_ctx None"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("fixes", "owner_cleared"),
    [("shipped", True), ("-bbc55341b9c6", False), ("-d8778e393afa", False), ("none", False)],
)
async def test_registers_that_are_anothers_are_nobodys_behind_a_failed_load(
    tell, before_message, fixes, owner_cleared
):
    story = await tell(failing(fixes), before_message("irq0", "task", LOCK))
    texts = between(story.of("task"))
    failed = texts.index(LOAD)
    assert (DEACTIVATE in texts[failed:]) is owner_cleared
    if owner_cleared:
        assert texts[failed + 1 : failed + 5] == ["iret", "read the flags of task", DEACTIVATE, UNLOCK]


@pytest.mark.trio
async def test_registers_that_are_its_own_stay_its_own(tell):
    world, _ = kernel_call(restores_alone, SSE | TILECFG, contents="bad header")
    story = await tell(world)
    assert DEACTIVATE not in between(story.of("task"))
    assert story.labels("task")["xmm0"] == VALUE, "as recorded, a load that faults has changed nothing"


@pytest.mark.trio
async def test_the_kernel_of_2019_had_written_initial_state_by_the_time_of_the_fault(tell):
    world, _ = kernel_call(restores_alone, TILECFG, contents="bad header", fixes="-bbc55341b9c6")
    story = await tell(world)
    texts = between(story.of("task"))
    assert texts.index("xrstors SSE") < texts.index("xrstor TILECFG")
    assert story.labels("task")["xmm0"] == 0


@pytest.mark.trio
async def test_whatever_happens_in_between_a_good_frame_is_loaded(sample):
    world, area = kernel_call(fpu__restore_sig, contents="good", irq=2)
    world.reclaims(area, count=2)
    for story in await sample(world, 60):
        assert (story.labels("task")["returned"], story.labels("task")["xmm0"]) == (True, FRAMES)
