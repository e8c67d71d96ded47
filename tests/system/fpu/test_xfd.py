"""XFD and its per-CPU copy: written where they differ, in two steps, and trusted."""

import pytest

from actors.machine.model import TILEDATA
from actors.system.fpu.xfd import xfd_set_state, xfd_update_state
from actors.system.kernel.data import Fpstate
from protocol.registers import Msr
from tests.system.calling import inside, of, one_task, put

WITH = Fpstate("task->fpstate", 0, 0, 0)


def updating(buffer, stored):
    """A task with that buffer whose fpstate->xfd has been changed to `stored`."""
    world = one_task(xfd_update_state, WITH, buffer=buffer)
    put(world, WITH.xfd, stored)
    return world


@pytest.mark.trio
@pytest.mark.parametrize(("buffer", "stored"), [(0, 0), (TILEDATA, TILEDATA)])
async def test_xfd_update_state_writes_the_register_and_then_its_copy_where_they_differ(tell, buffer, stored):
    world = updating(buffer, stored)
    story = await tell(world)
    assert inside(story) == [
        "load task->fpstate.xfd",
        "this_cpu load xfd_state",
        f"wrmsr XFD {stored:#x}",
        f"this_cpu store xfd_state {hex(stored) if stored else 0}",
    ]
    assert of(story, world.kernel.xfd_state) == stored


@pytest.mark.trio
@pytest.mark.parametrize(("buffer", "stored"), [(0, TILEDATA), (TILEDATA, 0)])
async def test_it_writes_nothing_where_the_copy_says_so(tell, buffer, stored):
    assert inside(await tell(updating(buffer, stored))) == [
        "load task->fpstate.xfd",
        "this_cpu load xfd_state",
    ]


async def trusts_the_copy(cpu):
    await cpu.wrmsr(Msr.XFD, 0)
    await xfd_update_state(cpu, WITH)
    return await cpu.rdmsr(Msr.XFD)


@pytest.mark.trio
async def test_it_is_the_copy_that_is_compared_not_the_register(tell):
    story = await tell(one_task(trusts_the_copy))
    assert story.labels("task") == {"result": 0}, "the register lost its bit, and nobody noticed"


@pytest.mark.trio
@pytest.mark.parametrize("xfd", [0, TILEDATA])
async def test_xfd_set_state_asks_nothing(tell, xfd):
    world = one_task(xfd_set_state, xfd)
    story = await tell(world)
    assert [text.rsplit(" ", 1)[0] for text in inside(story)] == ["wrmsr XFD", "this_cpu store xfd_state"]
    assert of(story, world.kernel.xfd_state) == xfd
