"""An fpstate that is not there: who touches it, or frees it again, is a finding with its schedule."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.xstate.components import COMPACTED
from actors.runtime import scenario
from actors.system.fpu.registers import os_xrstor, os_xsave
from actors.system.fpu.xfd import xfd_update_state
from actors.system.kernel.data import Task
from actors.system.kernel.layout import enlarged
from actors.system.kernel.vmalloc import VMALLOC, Vfree, Vzalloc
from actors.system.machine import Machine
from actors.system.sched import schedule
from actors.system.tasks import busy_task
from actors.system.xstate.dynamic import fpstate_realloc
from protocol.areas import XsaveArea
from protocol.handles import Program
from tests.system.calling import inside, one_task

FIRST = "task->fpstate[0x40000]"


async def replaced(cpu):
    """Have two larger fpstates, one after the other; return the first, which was freed."""
    await fpstate_realloc(cpu, TILEDATA)
    old = await cpu.read(cpu.me.fpstate)
    await fpstate_realloc(cpu, HYPOTHETICAL)
    return old


async def stores_there(cpu):
    old = await replaced(cpu)
    await cpu.write(old.area, XsaveArea())


async def loads_from_there(cpu):
    await cpu.read((await replaced(cpu)).area)


async def loads_its_xfd(cpu):
    await xfd_update_state(cpu, await replaced(cpu))


async def writes_its_xfd(cpu):
    await cpu.write((await replaced(cpu)).xfd, 0)


async def saves_there(cpu):
    await os_xsave(cpu, await replaced(cpu))


async def restores_from_there(cpu):
    await os_xrstor(cpu, await replaced(cpu), TILEDATA)


async def frees_it_again(cpu):
    await cpu.through(VMALLOC, Vfree(await replaced(cpu)))


async def uses_what_was_never_there(cpu):
    own = await cpu.read(cpu.me.fpstate)
    await cpu.read(enlarged(cpu.processor.model, own, "task", TILEDATA).area)


WHY = "it is not allocated, or was freed"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("code", "text", "last"),
    [
        (stores_there, f"use-after-free in {FIRST}.regs", f"store {FIRST}.regs"),
        (loads_from_there, f"use-after-free in {FIRST}.regs", f"load {FIRST}.regs"),
        (loads_its_xfd, f"use-after-free in {FIRST}.xfd", f"load {FIRST}.xfd"),
        (writes_its_xfd, f"use-after-free in {FIRST}.xfd", f"store {FIRST}.xfd 0"),
        (saves_there, f"use-after-free in {FIRST}.regs", "xsaves"),
        (restores_from_there, f"use-after-free in {FIRST}.regs", "xrstors"),
        (frees_it_again, f"double-free in {FIRST}", f"vfree {FIRST}"),
        (uses_what_was_never_there, f"use-after-free in {FIRST}.regs", f"load {FIRST}.regs"),
    ],
)
async def test_it_is_reported_as_kasan_would_at_that_step(tell, code, text, last):
    story = await tell(one_task(code, cpu="mail_2021"))
    assert story.execution.ending == "violated"
    assert (story.failure.type, story.failure.text) == ("KasanBug", f"BUG: KASAN: {text}: {WHY}")
    assert story.of("task")[-1].startswith(last)


async def allocates(cpu):
    own = await cpu.read(cpu.me.fpstate)
    new = enlarged(cpu.processor.model, own, "task", TILEDATA)
    await cpu.through(VMALLOC, Vzalloc(new))
    found = await cpu.read(new.area), await cpu.read(new.xfd)
    await cpu.through(VMALLOC, Vfree(new))
    await cpu.through(VMALLOC, Vzalloc(new))
    return found


@pytest.mark.trio
async def test_both_cells_come_and_go_in_one_step_and_it_may_be_allocated_again(tell):
    world = one_task(allocates)
    regs, xfd = (world.cells[cell] for cell in cells_of(world))
    assert (regs, xfd) == (None, None)
    story = await tell(world)
    area, xfd = story.labels("task")["result"]
    assert (area.xstate_bv, xfd) == (0, 0)
    assert area.xcomp_bv == COMPACTED | world.kernel.features
    assert [text for text in inside(story) if text.startswith("v")] == [
        f"vzalloc {FIRST}",
        f"vfree {FIRST}",
        f"vzalloc {FIRST}",
    ]


async def allocates_twice(cpu):
    own = await cpu.read(cpu.me.fpstate)
    new = enlarged(cpu.processor.model, own, "task", TILEDATA)
    for _ in range(2):
        await cpu.through(VMALLOC, Vzalloc(new))


@pytest.mark.trio
async def test_what_is_there_is_not_allocated_over(tell):
    story = await tell(one_task(allocates_twice))
    assert story.failure.type == "Leaked"
    assert story.failure.text == f"kmemleak: unreferenced object {FIRST}: who had it has not freed it"


@pytest.mark.trio
@pytest.mark.parametrize("buffer", [0, TILEDATA])
async def test_a_dead_task_has_no_fpstate_but_its_own(tell, buffer):
    world = one_task(busy_task, perm=TILEDATA, buffer=buffer)
    own = world.cells[Task(Program("task")).fpstate.cell]
    regs, xfd = cells_of(world)
    story = await tell(world)
    assert (story.execution.cells[regs], story.execution.cells[xfd]) == (None, None)
    freed = [text for text in story.of("task") if text.startswith("v")]
    assert freed == ([f"vfree {own.name}"] if buffer else [])
    assert story.of("task")[-1].startswith("switch_to"), "nobody can take the CPU before"
    assert story.execution.ending == "finished"


@pytest.mark.trio
async def test_a_kernel_thread_has_none_to_free(tell):
    world = Machine()
    world.kernel_thread(busy_task, name="kthread")
    assert not [text for text in (await tell(world)).of("kthread") if "fpstate" in text]


def cells_of(world):
    task = Task(Program("task"))
    new = enlarged(world.cpu_model, world.cells[task.fpstate.cell], "task", TILEDATA)
    return new.regs, new.xfd.cell


async def keeps_the_pointer(cpu):
    """A bug: read the pointer, let others run, and use it."""
    await cpu.syscall()
    fpstate = await cpu.read(Task(Program("B")).fpstate)
    await schedule(cpu)
    await cpu.read(fpstate.xfd)


async def replaces_it(cpu):
    await cpu.syscall()
    await fpstate_realloc(cpu, HYPOTHETICAL)
    await schedule(cpu)


@scenario()
def stale_pointer() -> Machine:
    """Is a pointer to an fpstate good as long as nobody takes a lock?"""
    machine = Machine(cpu="mail_2021")
    machine.host_task(keeps_the_pointer, name="A")
    b = machine.host_task(replaces_it, name="B")
    allocated = enlarged(machine.cpu_model, machine.cells[Task(b).fpstate.cell], "B", TILEDATA)
    machine.cells[allocated.regs] = XsaveArea(0, COMPACTED | allocated.xfeatures)
    machine.cells[allocated.xfd.cell] = HYPOTHETICAL
    machine.cells[Task(b).fpstate.cell] = allocated
    return machine


def test_a_search_finds_the_order_in_which_a_pointer_outlives_what_it_points_to():
    found = verify(stale_pointer, {}, Demand())
    assert found.verdict == "violated"
    assert found.recorded.names == ("A: KasanBug",)
    assert found.recorded.record.violation.text == (
        f"BUG: KASAN: use-after-free in B->fpstate[0x40000].xfd: {WHY}"
    )
