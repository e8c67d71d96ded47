import pytest
from actors.system.dynamic import fpstate_realloc, xfd_enable_feature

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA
from actors.runtime import set_label
from actors.system.machine import Machine
from protocol.registers import Msr

BOTH = TILEDATA | HYPOTHETICAL


async def enables(cpu, xfd_err):
    await cpu.syscall()
    await cpu.nop()
    set_label("allowed", await xfd_enable_feature(cpu, xfd_err))
    await cpu.nop()
    set_label("xfd", (await cpu.load(cpu.task.fpstate.xfd), await cpu.rdmsr(Msr.XFD)))
    await cpu.iret()


def one_task(code, *args, perm):
    world = Machine(cpu="mail_2021")
    world.host_task(code, *args, perm=perm, name="task")
    return world


@pytest.mark.trio
@pytest.mark.parametrize(
    ("perm", "xfd_err", "allowed", "left"),
    [
        pytest.param(TILEDATA, TILEDATA, True, HYPOTHETICAL, id="permitted"),
        pytest.param(BOTH, BOTH, True, 0, id="both at once"),
        pytest.param(0, TILEDATA, False, BOTH, id="not permitted"),
        pytest.param(HYPOTHETICAL, TILEDATA, False, BOTH, id="permitted another"),
        pytest.param(HYPOTHETICAL, BOTH, False, BOTH, id="a part is not enough"),
        pytest.param(0, TILECFG, True, BOTH, id="nothing dynamic: the user tries again"),
        pytest.param(0, 0, True, BOTH, id="nothing at all"),
    ],
)
async def test_all_that_xfd_err_names_has_to_be_permitted_and_is_then_enabled(
    tell, perm, xfd_err, allowed, left
):
    story = await tell(one_task(enables, xfd_err, perm=perm))
    assert story.labels("task") == {"allowed": allowed, "xfd": (left, left)}


@pytest.mark.trio
async def test_a_refusal_touches_nothing(tell):
    texts = (await tell(one_task(enables, TILEDATA, perm=0))).of("task")
    first = texts.index("nop")
    assert texts[first + 1] == "nop"


async def reallocates(cpu):
    await cpu.syscall()
    await cpu.nop()
    await fpstate_realloc(cpu, TILEDATA)
    await cpu.nop()
    await cpu.iret()


@pytest.mark.trio
async def test_the_new_fpstate_is_published_and_its_xfd_loaded_without_preemption(tell):
    texts = (await tell(one_task(reallocates, perm=0))).of("task")
    inside = texts[texts.index("nop") + 1 :]
    assert inside[: inside.index("nop")] == [
        "this_cpu add preempt_count 1",
        "load task->fpstate.xfd",
        "store task->fpstate.xfd 0x80000",
        "load task->fpstate.xfd",
        "this_cpu load xfd_state",
        "wrmsr XFD 0x80000",
        "this_cpu store xfd_state 0x80000",
        "this_cpu add preempt_count -1",
        "this_cpu load need_resched",
    ]
