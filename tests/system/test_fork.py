"""Children, other programs, and tasks without user state: what they have of extended state, and what not."""

import pytest

from actors.machine.model import TILECFG, TILEDATA
from actors.machine.state import cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import routine, set_label
from actors.runtime.errors import ModelError
from actors.system.entry.common import syscall
from actors.system.fork import execve, kernel_clone
from actors.system.kernel.data import Task
from actors.system.kernel.flags import Flags
from actors.system.machine import Machine
from actors.system.sched import schedule
from actors.system.tasks import busy_task, xmm_task
from actors.system.xstate.kernel_fpu import KERNEL_VALUE, use_fpu
from actors.system.xstate.permission import ArchPrctl, fpu_xstate_prctl
from protocol.handles import Program

TILE = b"\x55" * 1024


@routine
async def child_code(cpu):
    set_label("xmm", await cpu.movq_from(0))
    set_label("config", await cpu.sttilecfg())
    try:
        await cpu.tilestored(0)
    finally:
        set_label("tried", True)


async def forks(cpu, child, code):
    await cpu.movq(0, 7)
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await syscall(cpu, kernel_clone, child, code)
    await cpu.movq(0, 8)
    set_label("kept", await cpu.tilestored(0) == TILE)


def family(code=child_code, *, perm=TILEDATA, thread=False, irq=0, cpus=1):
    world = Machine(cpus=cpus)
    parent = world.host_task(
        forks,
        Task(Program("p.c"), Program("p") if thread else None),
        code,
        perm=perm,
        buffer=TILEDATA,
        name="p",
    )
    world.permissions(parent, guest=TILEDATA)
    child = world.child(parent, "c", thread=thread)
    assert child == Task(Program("p.c"), parent if thread else None)
    world.interrupts(external=irq)
    return world, child


@pytest.mark.trio
async def test_a_child_has_the_parents_registers_and_not_its_tiles(sample):
    world, _ = family(irq=1)
    for story in await sample(world, 60):
        assert story.execution.violation is None
        assert story.labels("p")["kept"] is True
        labels = story.labels("p.c")
        assert (labels["xmm"], labels["config"]) == (7, config(16))


@pytest.mark.trio
async def test_its_first_use_of_a_tile_is_its_own_nm(tell):
    world, child = family()
    story = await tell(world)
    assert story.labels("p.c")["nm"] is True
    texts = story.of("p.c")
    assert "wrmsr XFD 0x40000" in texts[: texts.index("tilestored tmm0")]
    assert story.execution.cells[child.fpstate.cell].xfeatures & TILEDATA
    assert story.labels("p")["kept"] is True


@pytest.mark.trio
async def test_the_save_for_the_child_runs_under_the_parents_xfd_and_has_no_room_for_tiles(tell):
    world, child = family(busy_task)
    story = await tell(world)
    at = next(n for n, (name, _, _, text) in enumerate(story.steps) if name == "p" and "xsaves" in text)
    assert story.steps[at][3] == "xsaves SSE|TILECFG"
    assert story.states[at][cpu_cell(0)].x.xfd == 0
    texts = story.of("p")
    assert texts.index("set TIF_NEED_FPU_LOAD of p.c") < texts.index("xsaves SSE|TILECFG")
    assert texts.index("spawn p.c") < texts.index("this_cpu enqueue p.c on runqueue")
    own = story.execution.cells[child.fpstate.cell]
    assert (own.name, own.xfeatures & TILEDATA, own.xfeatures & TILECFG) == ("p.c->fpstate", 0, TILECFG)


@pytest.mark.trio
async def test_a_process_inherits_both_permissions_and_has_its_own_copy(tell):
    world, child = family(busy_task)
    story = await tell(world)
    cells = story.execution.cells
    assert (cells[child.perm.cell], cells[child.guest_perm.cell]) == (TILEDATA, TILEDATA)
    assert child.perm != Task(Program("p")).perm
    locked = [text for text in story.of("p") if "siglock" in text]
    assert len(locked) == 2


@pytest.mark.trio
async def test_a_thread_shares_them_and_is_one_of_its_process(tell):
    world, child = family(busy_task, thread=True)
    story = await tell(world)
    assert child.perm == Task(Program("p")).perm
    assert story.execution.cells[child.thread_group.cell] == (Program("p"), Program("p.c"))
    assert not [text for text in story.of("p") if "siglock" in text]


async def preempted_then_forks(cpu, child, code):
    await cpu.movq(0, 7)
    await syscall(cpu, kernel_clone, child, code)


@pytest.mark.trio
async def test_a_parent_whose_registers_are_not_loaded_loads_them_first(tell, before_message):
    world = Machine()
    child = Task(Program("p.c"))
    parent = world.host_task(preempted_then_forks, child, child_code, perm=TILEDATA, name="p")
    world.permissions(parent)
    world.child(parent, "c")
    world.host_task(xmm_task, 9, name="other")
    world.interrupts(external=1)
    story = await tell(world, before_message("irq0", "p", "store p.c->fpu.fpstate"))
    texts = story.of("p")
    assert texts.index("switch_to other") < texts.index("xsaves SSE|TILECFG", texts.index("switch_to other"))
    assert story.labels("p.c")["xmm"] == 7


@pytest.mark.trio
@pytest.mark.parametrize(
    ("child", "words"),
    [
        (Task(Program("q.c")), "p forks q.c, which is no child of it"),
        (Task(Program("p.c"), Program("q")), "p makes a thread of another process, p.c"),
    ],
)
async def test_what_is_no_child_is_found(tell, child, words):
    world = Machine()
    parent = world.host_task(forks, child, busy_task, perm=TILEDATA, buffer=TILEDATA, name="p")
    world.permissions(parent)
    failure = (await tell(world)).failure
    assert (failure.type, failure.text) == ("Bug", words)


async def forks_twice(cpu, child):
    for _ in range(2):
        await syscall(cpu, kernel_clone, child, busy_task)


@pytest.mark.trio
async def test_a_child_is_born_once(tell):
    world = Machine()
    parent = world.host_task(forks_twice, Task(Program("p.c")), name="p")
    world.permissions(parent)
    world.child(parent, "c")
    with pytest.raises(ModelError, match=r"p\.c"):
        await tell(world)


def test_a_child_needs_a_parent_with_permissions():
    world = Machine()
    task = world.host_task(busy_task, name="p")
    with pytest.raises(ModelError, match="p cannot fork yet; give it permissions"):
        world.child(task)


# execve().


@routine
async def after_exec(cpu):
    set_label("xmm", await cpu.movq_from(0))
    set_label("config", await cpu.sttilecfg())
    await cpu.tilezero(0)


async def execs(cpu, code):
    await cpu.movq(0, 7)
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    await execve(cpu, code)


def exec_world(irq=0, code=after_exec):
    world = Machine()
    task = world.host_task(execs, code, perm=TILEDATA, buffer=TILEDATA, name="task")
    world.permissions(task, guest=TILEDATA)
    world.host_task(xmm_task, 9, name="other")
    world.interrupts(external=irq)
    return world, Task(task)


@pytest.mark.trio
async def test_another_program_finds_initial_registers_and_no_permission(sample):
    world, task = exec_world(irq=1)
    for story in await sample(world, 60):
        assert story.execution.violation is None
        labels = story.labels("task")
        assert (labels["xmm"], labels["config"], labels["signal"]) == (0, bytes(64), "SIGILL")
        cells = story.execution.cells
        assert (cells[task.perm.cell], cells[task.guest_perm.cell]) == (0, 0)
        assert not cells[task.fpstate.cell].xfeatures & TILEDATA
        assert story.labels("other")["found"] is True


@routine
async def asks_after_exec(cpu):
    await syscall(cpu, fpu_xstate_prctl, ArchPrctl.ARCH_REQ_XCOMP_PERM, 18)
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, TILE)
    set_label("found", await cpu.tilestored(0) == TILE)


@pytest.mark.trio
async def test_a_program_that_asks_again_gets_a_larger_fpstate_again(tell):
    world, task = exec_world(code=asks_after_exec)
    before = world.cells[task.fpstate.cell]
    story = await tell(world)
    assert story.execution.violation is None
    assert story.labels("task")["found"] is True
    assert "nm" in story.labels("task")
    assert story.execution.cells[task.fpstate.cell] == before
    assert [text for text in story.of("task") if text.startswith(("v", "leak"))] == [
        f"leak {before.name}",
        f"vzalloc {before.name}",
        f"vfree {before.name}",
    ]
    assert story.labels("task")["leaked"] == before.name


@pytest.mark.trio
async def test_it_leaves_the_registers_alone_until_user_mode(tell):
    world, _ = exec_world()
    texts = (await tell(world)).of("task")
    inside = texts[texts.index("syscall") : texts.index("iret", texts.index("syscall"))]
    assert [text for text in inside if text.startswith(("xrstors", "store task->fpu.last_cpu -1"))] == [
        "store task->fpu.last_cpu -1",
        "xrstors SSE|TILECFG|TILEDATA",
    ]


# Kernel threads.


@routine
async def computes(cpu):
    await use_fpu(cpu)
    await schedule(cpu)
    await use_fpu(cpu)


@pytest.mark.trio
async def test_a_kernel_thread_neither_saves_nor_loads_its_own_state(sample):
    world = Machine()
    world.kernel_thread(computes, name="kthread")
    world.host_task(xmm_task, 7, name="task")
    world.interrupts(external=1)
    for story in await sample(world, 60):
        assert story.execution.violation is None
        assert story.labels("task")["found"] is True
        texts = story.of("kthread")
        assert f"movq xmm0 {KERNEL_VALUE:#x}" in texts
        assert not [text for text in texts if text.startswith(("xsaves", "xrstors"))]
        flags = story.execution.cells[Task(Program("kthread")).flags.cell]
        assert flags & (Flags.PF_KTHREAD | Flags.PF_EXITING) == Flags.PF_KTHREAD | Flags.PF_EXITING


@pytest.mark.trio
async def test_the_registers_stay_those_of_the_user_task_that_it_interrupts(tell):
    world = Machine()
    world.host_task(yields, 7, name="task")
    world.kernel_thread(schedule, name="kthread")
    story = await tell(world)
    texts = story.of("task")
    back = texts.index("switch_to kthread")
    assert not [text for text in texts[back:] if text.startswith("xrstors")], "nobody else has used them"
    assert story.labels("task")["found"] is True


async def yields(cpu, value):
    await cpu.movq(0, value)
    await syscall(cpu, schedule)
    set_label("found", await cpu.movq_from(0) == value)


def test_a_kernel_thread_starts_on_a_free_cpu_or_waits_and_has_a_column():
    world = Machine(cpus=2)
    first = world.kernel_thread(busy_task, cpu=1, name="first")
    second = world.kernel_thread(busy_task, cpu=1, name="second")
    assert world.cells[cpu_cell(1)].top.program == first
    assert world.cells[world.kernel.runqueue.each[1].cell] == (second,)
    assert [column.name for column in world.columns() if column.group == "CPU 1"][:2] == ["first", "second"]
    with pytest.raises(ModelError, match="there is no CPU 2"):
        world.kernel_thread(busy_task, cpu=2)
