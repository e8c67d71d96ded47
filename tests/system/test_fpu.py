import pytest

from actors.machine.model import TILEDATA
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.fpu import switch_fpu_finish, switch_fpu_prepare, xfd_update_state
from actors.system.machine import Machine
from protocol.registers import Component, Msr

TILES = 3 << 17
TILE = b"\x55" * 1024


async def calls(cpu, what, stored):
    """In the kernel, with another value in fpstate->xfd, call one of the functions."""
    await cpu.syscall()
    await cpu.store(cpu.task.fpstate.xfd, stored)
    await cpu.nop()
    await what(cpu, cpu.task.fpstate)
    await cpu.nop()
    set_label("xfd", await cpu.rdmsr(Msr.XFD))
    set_label("xfd_state", await cpu.this_cpu_read(cpu.kernel.xfd_state))
    await cpu.iret()


def one_task(code, *args, buffer=0):
    world = Machine()
    world.host_task(code, *args, perm=TILEDATA, buffer=buffer, name="task")
    return world


def between(texts):
    """What was sent between the two NOPs."""
    first = texts.index("nop")
    return texts[first + 1 : texts.index("nop", first + 1)]


@pytest.mark.trio
@pytest.mark.parametrize(("buffer", "stored"), [(0, 0), (TILEDATA, TILEDATA)])
async def test_xfd_update_state_writes_the_register_and_then_its_copy_where_they_differ(tell, buffer, stored):
    story = await tell(one_task(calls, xfd_update_state, stored, buffer=buffer))
    words = [text.split() for text in between(story.of("task"))]
    assert [text[:2] for text in words] == [
        ["load", "task->fpstate.xfd"],
        ["this_cpu", "load"],
        ["wrmsr", "XFD"],
        ["this_cpu", "store"],
    ]
    assert [int(text[-1], 0) for text in words[2:]] == [stored, stored]
    assert story.labels("task") == {"xfd": stored, "xfd_state": stored}


@pytest.mark.trio
@pytest.mark.parametrize(("buffer", "stored"), [(0, TILEDATA), (TILEDATA, 0)])
async def test_xfd_update_state_writes_nothing_where_the_copy_says_so(tell, buffer, stored):
    story = await tell(one_task(calls, xfd_update_state, stored, buffer=buffer))
    assert between(story.of("task")) == ["load task->fpstate.xfd", "this_cpu load xfd_state"]


async def trusts_the_copy(cpu):
    await cpu.syscall()
    await cpu.wrmsr(Msr.XFD, 0)
    await xfd_update_state(cpu, cpu.task.fpstate)
    set_label("xfd", await cpu.rdmsr(Msr.XFD))
    await cpu.iret()


@pytest.mark.trio
async def test_it_is_the_copy_that_is_compared_not_the_register(tell):
    story = await tell(one_task(trusts_the_copy))
    assert story.labels("task") == {"xfd": 0}, "the register lost its bit, and nobody noticed"


async def saves_and_loads(cpu):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await cpu.syscall()
    await switch_fpu_prepare(cpu)
    await cpu.tilerelease()
    set_label("in_use after release", await cpu.xgetbv(1))
    await cpu.nop()
    await switch_fpu_finish(cpu)
    await cpu.nop()
    set_label("in_use", await cpu.xgetbv(1))
    await cpu.iret()
    set_label("tile", await cpu.tilestored(0) == TILE)


@pytest.mark.trio
async def test_what_prepare_saved_finish_brings_back_xfd_first(tell):
    story = await tell(one_task(saves_and_loads, buffer=TILEDATA))
    assert story.labels("task") == {"in_use after release": 0, "in_use": TILES, "tile": True}
    assert between(story.of("task")) == [
        "load task->fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors TILECFG|TILEDATA",
    ]


async def saves_under_xfd(cpu):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await cpu.syscall()
    await cpu.wrmsr(Msr.XFD, TILEDATA)
    await switch_fpu_prepare(cpu)
    saved = await cpu.load(cpu.task.fpstate.regs)
    set_label("saved", saved.xstate_bv)
    await cpu.iret()


@pytest.mark.trio
async def test_prepare_saves_under_whatever_xfd_is_in_the_register(tell):
    story = await tell(one_task(saves_under_xfd, buffer=TILEDATA))
    assert story.labels("task")["saved"] == 1 << Component.TILECFG


@pytest.mark.trio
async def test_the_idle_task_has_nothing_to_save_or_load(tell):
    world = Machine()
    world.host_task(saves_and_loads, buffer=TILEDATA, name="task")
    world.host_task(saves_and_loads, buffer=TILEDATA, name="later")
    story = await tell(world)
    assert not [text for text in story.of("idle0") if "fpstate" in text or text.startswith("x")]
