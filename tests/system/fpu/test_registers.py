"""Saving and loading, in the kernel's order, and whose the registers are."""

import pytest

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA
from actors.machine.xstate.components import COMPACTED, PKRU, SSE
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.entry.common import syscall
from actors.system.fpu.registers import (
    ALL_BUT_PKRU,
    fpregs_activate,
    fpregs_deactivate,
    fpregs_restore_userregs,
    fpregs_state_valid,
    restore_fpregs_from_fpstate,
    save_fpregs_to_fpstate,
    switch_fpu_return,
)
from actors.system.kernel.data import Fpstate, Task
from actors.system.kernel.flags import NONE, Flags
from actors.system.kernel.warnings import BAD_FPU_STATE, KERNEL_NM, RESTORE_FAULTED
from actors.system.machine import Machine
from protocol.handles import Cell, Program
from protocol.instructions import XsaveArea
from protocol.registers import Component, Msr
from tests.system.calling import TASK, in_order, inside, of, one_task, put

TILES = TILECFG | TILEDATA
TILE = b"\x55" * 1024
OWN = Fpstate("task->fpstate", SSE | TILECFG, SSE | TILECFG, 640)
LOADED = [
    "load task->fpu.fpstate",
    "load task->fpstate.xfd",
    "this_cpu load xfd_state",
    "xrstors SSE|TILECFG|TILEDATA",
    "this_cpu store fpu_fpregs_owner_ctx task",
    "store task->fpu.last_cpu 0",
]
SETTLED = ["clear TIF_NEED_FPU_LOAD of task"]


# Saving.


@pytest.mark.trio
@pytest.mark.parametrize(("buffer", "features"), [(0, "SSE|TILECFG"), (TILEDATA, "SSE|TILECFG|TILEDATA")])
async def test_a_save_is_of_what_the_buffer_has_room_for(tell, buffer, features):
    story = await tell(one_task(save_fpregs_to_fpstate, TASK, buffer=buffer))
    assert inside(story) == ["load task->fpu.fpstate", f"xsaves {features}"]
    assert story.labels("task") == {}


async def loads_a_tile_then(cpu, function, *args):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await syscall(cpu, function, *args)
    set_label("tile", await cpu.tilestored(0) == TILE)


async def saves_under_xfd(cpu):
    await cpu.wrmsr(Msr.XFD, TILEDATA)
    await save_fpregs_to_fpstate(cpu, cpu.me)
    await cpu.wrmsr(Msr.XFD, 0)
    set_label("saved", (await cpu.load(Cell("task->fpstate[0x40000].regs"))).xstate_bv)


@pytest.mark.trio
async def test_a_save_is_made_under_whatever_xfd_is_in_the_register(tell):
    world = Machine()
    world.host_task(loads_a_tile_then, saves_under_xfd, buffer=TILEDATA, name="task")
    story = await tell(world)
    assert story.labels("task")["saved"] == 1 << Component.TILECFG


async def saves_to_what_is_freed(cpu):
    await cpu.store(OWN.regs, None)
    await cpu.nop()
    await save_fpregs_to_fpstate(cpu, cpu.me)


@pytest.mark.trio
async def test_a_save_to_a_buffer_that_was_freed_ends_the_world_as_a_finding(tell):
    story = await tell(one_task(saves_to_what_is_freed))
    assert story.execution.ending == "violated"
    assert story.of("task")[-1] == "xsaves SSE|TILECFG"
    assert (story.failure.type, story.failure.text) == (
        "KasanBug",
        "BUG: KASAN: use-after-free in task->fpstate.regs: it is not allocated, or was freed",
    )


# Loading.


async def loads(cpu, mask):
    await restore_fpregs_from_fpstate(cpu, OWN, mask)
    return await cpu.xgetbv(1)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("cpu", "mask", "restored"),
    [
        ("sapphire_rapids", ALL_BUT_PKRU, "SSE|TILECFG|TILEDATA"),
        ("mail_2021", ALL_BUT_PKRU, "SSE|TILECFG|TILEDATA|APX"),
        ("sapphire_rapids", SSE, "SSE"),
    ],
)
async def test_a_load_is_of_all_features_that_the_kernel_manages_whatever_the_buffer_has(
    tell, cpu, mask, restored
):
    texts = inside(await tell(one_task(loads, mask, cpu=cpu)))
    assert texts[:-1] == ["load task->fpstate.xfd", "this_cpu load xfd_state", f"xrstors {restored}"]


async def leaves_a_tile_to_itself(cpu):
    """What another task left in the registers is in their initial state behind a load of a buffer without it."""
    await cpu.wrmsr(Msr.XFD, 0)
    await cpu.this_cpu_write(cpu.kernel.xfd_state, 0)
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    set_label("before", await cpu.xgetbv(1))
    await restore_fpregs_from_fpstate(cpu, OWN)
    set_label("after", await cpu.xgetbv(1))


@pytest.mark.trio
async def test_so_the_previous_tasks_tiles_go_to_their_initial_state(tell):
    story = await tell(one_task(leaves_a_tile_to_itself))
    assert story.labels("task")["before"] == TILES
    assert story.labels("task")["after"] == 0


def test_pkru_is_switched_by_itself():
    assert ALL_BUT_PKRU & PKRU == 0
    assert ALL_BUT_PKRU | PKRU == -1


BOGUS = XsaveArea(0, COMPACTED | SSE | 1 << 62)
"""XCOMP_BV has a bit that XCR0 lacks: XRSTORS raises #GP."""


async def loads_what_is_bogus(cpu):
    await cpu.movq(0, 7)
    await cpu.store(OWN.regs, BOGUS)
    await cpu.nop()
    await restore_fpregs_from_fpstate(cpu, OWN)
    await cpu.nop()
    return await cpu.movq_from(0)


@pytest.mark.trio
async def test_gp_of_a_load_is_warned_of_and_fixed_up_with_init_fpstate(tell):
    world = Machine()
    world.host_task(in_the_kernel, loads_what_is_bogus, name="task")
    story = await tell(world)
    texts = story.of("task")
    first = texts.index("nop")
    assert texts[first + 1 : texts.index("nop", first + 1)] == [
        "load task->fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors SSE|TILECFG|TILEDATA",
        "load init_fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors SSE|TILECFG|TILEDATA",
        "iret",
    ]
    areas = [message.area.name for _, message, _, text in story.steps if text.startswith("xrstors")]
    assert areas[:2] == ["task->fpstate.regs", "init_fpstate.regs"]
    assert story.labels("task") == {
        "warning": BAD_FPU_STATE.words,
        "fixup": "registers reinitialized",
        "result": 0,
    }
    assert BAD_FPU_STATE.words.endswith(": Bad FPU state detected, reinitializing FPU registers.")


@pytest.mark.trio
async def test_the_fixup_has_the_xfd_of_what_it_loads_in_force(tell):
    world = one_task(loads_what_is_bogus, buffer=TILEDATA)
    world.cells[OWN.xfd.cell] = 0
    texts = (await tell(world)).of("task")
    assert in_order(
        texts, "load init_fpstate.xfd", "wrmsr XFD 0x40000", "xrstors SSE|TILECFG|TILEDATA", "iret"
    )


@pytest.mark.trio
async def test_the_kernel_before_that_fixup_goes_on_with_what_is_in_the_registers(tell):
    world = Machine(fixes="-d5c8028b4788")
    world.host_task(in_the_kernel, loads_what_is_bogus, name="task")
    story = await tell(world)
    assert story.labels("task") == {
        "warning": RESTORE_FAULTED.words,
        "fixup": "xrstors skipped",
        "result": 7,
    }


async def in_the_kernel(cpu, function):
    set_label("result", await syscall(cpu, function))


@pytest.mark.trio
async def test_a_fault_in_the_fixup_is_the_end(tell):
    world = Machine()
    world.host_task(in_the_kernel, loads_what_is_bogus, name="task")
    world.cells[world.kernel.init_fpstate.regs] = BOGUS
    story = await tell(world)
    assert (story.failure.type, story.failure.text) == ("Die", "general protection fault")


async def loads_with_tiles_under_xfd(cpu):
    await cpu.store(OWN.regs, XsaveArea(TILEDATA, COMPACTED | TILEDATA))
    await restore_fpregs_from_fpstate(cpu, OWN)


@pytest.mark.trio
async def test_nm_of_a_load_has_no_fixup(tell):
    story = await tell(one_task(loads_with_tiles_under_xfd))
    assert (story.failure.type, story.failure.text) == ("Die", "unexpected #NM exception")
    assert story.labels("task")["xrstors"].fpstate.name == "task->fpstate", "what it was about to do"
    assert story.labels("task")["warning"] == KERNEL_NM.words
    assert story.labels("task")["#NM in the kernel"] is True


# Whose they are.


async def asks(cpu):
    return await fpregs_state_valid(cpu, cpu.me)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("owner", "last_cpu", "valid", "steps"),
    [
        (Program("task"), 0, True, 2),
        (Program("task"), 1, False, 2),
        (Program("task"), -1, False, 2),
        (Program("other"), 0, False, 1),
        (None, 0, False, 1),
    ],
)
async def test_they_are_valid_where_owner_and_last_cpu_agree(tell, owner, last_cpu, valid, steps):
    world = one_task(asks)
    put(world, world.kernel.owner, owner)
    put(world, TASK.last_cpu, last_cpu)
    story = await tell(world)
    assert story.labels("task").get("result") is valid
    assert inside(story) == ["this_cpu load fpu_fpregs_owner_ctx", "load task->fpu.last_cpu"][:steps]


async def owns(cpu, function, *args):
    await function(cpu, *args)
    return await cpu.this_cpu_read(cpu.kernel.owner)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("function", "args", "owner"),
    [
        (fpregs_activate, (TASK,), Program("task")),
        (fpregs_activate, (Task(Program("other")),), Program("other")),
        (fpregs_deactivate, (), None),
    ],
)
async def test_activating_and_deactivating_are_one_store(tell, function, args, owner):
    story = await tell(one_task(owns, function, *args))
    assert len(inside(story)) == 2
    assert story.labels("task").get("result") == owner


# On the way to user mode.


@pytest.mark.trio
@pytest.mark.parametrize(
    ("owner", "last_cpu", "loaded"),
    [
        pytest.param(Program("task"), 0, [], id="still there"),
        pytest.param(Program("other"), 0, LOADED, id="another task's"),
        pytest.param(None, 0, LOADED, id="nobody's"),
        pytest.param(Program("task"), 1, LOADED, id="it was elsewhere since"),
    ],
)
@pytest.mark.parametrize("function", [fpregs_restore_userregs, switch_fpu_return])
async def test_state_is_loaded_unless_it_is_in_the_registers_and_then_the_flag_is_cleared(
    tell, function, owner, last_cpu, loaded
):
    world = one_task(returns_twice, function)
    put(world, TASK.last_cpu, last_cpu)
    put(world, world.kernel.owner, owner)
    story = await tell(world)
    asked = ["this_cpu load fpu_fpregs_owner_ctx"]
    asked += ["load task->fpu.last_cpu"] * (owner == Program("task"))
    assert inside(story) == ["set TIF_NEED_FPU_LOAD of task", *asked, *loaded, *SETTLED]
    assert of(story, TASK.flags) & ~Flags.PF_EXITING == NONE


async def returns_twice(cpu, function):
    await cpu.set_flag(cpu.me, Flags.TIF_NEED_FPU_LOAD)
    await function(cpu)


@pytest.mark.trio
async def test_a_smaller_buffer_of_a_task_with_another_xfd_is_loaded_behind_its_xfd(tell):
    world = Machine(cpu="mail_2021")
    world.host_task(loads_a_tile_then, returns_twice, fpregs_restore_userregs, buffer=TILEDATA, name="task")
    put(world, world.kernel.owner, Program("task"))
    put(world, world.kernel.xfd_state, TILEDATA | HYPOTHETICAL)
    put(world, TASK.last_cpu, 1)
    texts = (await tell(world)).of("task")
    assert in_order(
        texts,
        "load task->fpstate[0x40000].xfd",
        "this_cpu load xfd_state",
        "wrmsr XFD 0x80000",
        "this_cpu store xfd_state 0x80000",
        "xrstors SSE|TILECFG|TILEDATA|APX",
        "this_cpu store fpu_fpregs_owner_ctx task",
    )
