"""Extended state at a context switch, at a task's end, and when a CPU goes idle."""

import pytest

from actors.machine.model import TILECFG, TILEDATA
from actors.machine.state import cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.entry.common import syscall
from actors.system.fpu.switch import fpu__drop, fpu_idle_fpregs, switch_fpu_finish, switch_fpu_prepare
from actors.system.kernel.flags import NONE, Flags
from actors.system.machine import Machine
from actors.system.tasks import busy_task
from protocol.handles import Program
from tests.system.calling import TASK, bracketed, inside, of, one_task, put

TILES = TILECFG | TILEDATA
TILE = b"\x55" * 1024


async def with_flags(cpu, flags, function):
    """Call it with these flags of the task set; user mode is entered with what they were."""
    for flag in flags:
        await cpu.set_flag(cpu.me, flag)
    await cpu.nop()
    await function(cpu)
    await cpu.nop()
    for flag in flags:
        await cpu.clear_flag(cpu.me, flag)


def prepared(texts):
    return texts[texts.index("nop") + 1 : len(texts) - 1 - texts[::-1].index("nop")]


@pytest.mark.trio
@pytest.mark.parametrize(
    ("flags", "sent"),
    [
        pytest.param(
            (),
            [
                "read the flags of task",
                "load task->fpu.fpstate",
                "xsaves SSE|TILECFG",
                "store task->fpu.last_cpu 0",
            ],
            id="its state is in the registers",
        ),
        pytest.param((Flags.TIF_NEED_FPU_LOAD,), ["read the flags of task"], id="it is in memory already"),
        pytest.param((Flags.PF_KTHREAD,), ["read the flags of task"], id="a kernel thread has none"),
        pytest.param((Flags.TIF_NEED_FPU_LOAD, Flags.PF_KTHREAD), ["read the flags of task"], id="neither"),
    ],
)
async def test_prepare_saves_what_is_in_the_registers_alone_and_notes_where(tell, flags, sent):
    world = Machine()
    world.host_task(in_the_kernel, with_flags, flags, switch_fpu_prepare, name="task")
    put(world, TASK.last_cpu, 0 if flags else 5)
    story = await tell(world)
    assert prepared(story.of("task")) == sent
    assert of(story, TASK.last_cpu) == 0


async def in_the_kernel(cpu, function, *args):
    await syscall(cpu, function, *args)


async def prepares(cpu):
    await switch_fpu_prepare(cpu)
    return await cpu.this_cpu_read(cpu.kernel.owner)


@pytest.mark.trio
async def test_the_owner_is_still_the_task_that_leaves(tell):
    story = await tell(one_task(prepares))
    assert story.labels("task").get("result") == Program("task")


async def finishes(cpu):
    await switch_fpu_finish(cpu)
    return await cpu.read_flags(cpu.me)


@pytest.mark.trio
async def test_finish_says_that_the_state_is_to_be_loaded_and_loads_nothing(tell):
    story = await tell(one_task(finishes))
    assert inside(story) == ["set TIF_NEED_FPU_LOAD of task", "read the flags of task"]
    assert story.labels("task").get("result") == Flags.TIF_NEED_FPU_LOAD


async def keeps_a_tile(cpu):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await syscall(cpu, there_and_back)
    set_label("tile", await cpu.tilestored(0) == TILE)


async def there_and_back(cpu):
    await switch_fpu_prepare(cpu)
    await cpu.tilerelease()
    set_label("in use", await cpu.xgetbv(1))
    await cpu.this_cpu_write(cpu.kernel.owner, None)
    await switch_fpu_finish(cpu)


@pytest.mark.trio
async def test_what_prepare_saved_is_there_again_in_user_mode(tell):
    world = Machine()
    world.host_task(keeps_a_tile, buffer=TILEDATA, name="task")
    story = await tell(world)
    assert story.labels("task") == {"in use": 0, "tile": True}


# The end of a task.


@pytest.mark.trio
@pytest.mark.parametrize("owner", [Program("task"), Program("other"), None])
async def test_when_a_task_has_exited_the_registers_are_nobodys_whoever_owned_them(tell, owner):
    world = one_task(drops)
    put(world, world.kernel.owner, owner)
    story = await tell(world)
    assert inside(story)[:-1] == ["this_cpu store fpu_fpregs_owner_ctx None"]
    assert story.labels("task").get("result") is None


async def drops(cpu):
    await fpu__drop(cpu)
    return await cpu.this_cpu_read(cpu.kernel.owner)


@pytest.mark.trio
async def test_exiting_drops_the_registers_behind_pf_exiting_and_before_the_last_switch(tell):
    world = Machine()
    world.host_task(busy_task, name="task")
    story = await tell(world)
    texts = story.of("task")
    assert texts[texts.index("syscall") :] == [
        "syscall",
        "set PF_EXITING of task",
        "this_cpu store fpu_fpregs_owner_ctx None",
        "this_cpu add preempt_count 1",
        "cli",
        "this_cpu pick from runqueue",
        "clear TIF_NEED_RESCHED of task",
        "this_cpu load idle_task",
        "load task->fpu.fpstate",
        "switch_to idle0",
    ]
    assert of(story, world.kernel.owner) is None
    assert of(story, TASK.flags) == NONE | Flags.PF_EXITING


# Idle.


async def idles_with(cpu, tile):
    if tile:
        await cpu.ldtilecfg(config(16))
        await cpu.tileloadd(0, TILE)
    await syscall(cpu, bracketed, fpu_idle_fpregs, ())
    set_label("in use", await cpu.xgetbv(1))


@pytest.mark.trio
@pytest.mark.parametrize(
    ("tile", "sent", "owner"),
    [
        (False, ["xgetbv 1"], Program("task")),
        (True, ["xgetbv 1", "tilerelease", "this_cpu store fpu_fpregs_owner_ctx None"], None),
    ],
)
async def test_an_idle_cpu_releases_tiles_in_use_and_then_its_registers_are_nobodys(tell, tile, sent, owner):
    world = Machine()
    world.host_task(idles_with, tile, buffer=TILEDATA, name="task")
    story = await tell(world)
    assert inside(story) == sent
    seen = [state[world.kernel.owner.each[0].cell] for state in story.states if sees_owner(world, state)]
    assert seen[-1:] == [owner], "when the task exits"
    assert story.labels("task")["in use"] == 0


def sees_owner(world, state):
    return world.kernel.owner.each[0].cell in state


@pytest.mark.trio
async def test_the_idle_task_gives_up_the_tiles_that_a_task_left(tell, when):
    world = Machine(cpus=2)
    world.host_task(leaves_a_tile, buffer=TILEDATA, name="task")
    world.host_task(busy_task, cpu=1, name="other")
    story = await tell(world, when("idle0", lambda _: True))
    released = ["xgetbv 1", "tilerelease", "this_cpu store fpu_fpregs_owner_ctx None"]
    assert story.of("idle0") == ["cli", *released, "sti", "nop"]
    assert story.execution.cells[cpu_cell(0)].x.in_use & TILES == 0


async def leaves_a_tile(cpu):
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)


@pytest.mark.trio
async def test_kernel_threads_neither_save_nor_load(sample):
    world = Machine(cpus=2)
    world.host_task(busy_task, name="first")
    moved = world.host_task(leaves_a_tile, buffer=TILEDATA, name="moved")
    world.interrupts(external=1)
    world.migrations(moved, to=1)
    switches = 0
    for story in await sample(world, 40):
        for name in ("idle0", "idle1"):
            texts = story.of(name)
            switches += sum(text.startswith("switch_to") for text in texts)
            assert not [text for text in texts if text.startswith(("xsaves", "xrstors")) or "fpstate" in text]
            assert not [text for text in texts if "last_cpu" in text]
    assert switches > 5
