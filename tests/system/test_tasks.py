import pytest

from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import Ring, cpu_cell
from actors.runtime import set_label
from actors.system.machine import Machine
from actors.system.tasks import dynamic_task, xmm_task
from protocol.registers import Component


async def looks_around(cpu):
    set_label("here")
    await cpu.nop()
    await cpu.nop()


@pytest.mark.trio
async def test_a_task_runs_in_user_mode_with_interrupts_on_and_exits_through_the_kernel(tell):
    world = Machine()
    world.host_task(looks_around, name="task")
    story = await tell(world)
    assert story.of("task")[:5] == ["cli", "read the flags of task", "iret", "nop", "nop"]
    at = story.of("task").index("nop")
    state = story.states[at][cpu_cell(0)]
    assert (state.top.ring, state.interrupt_flag) == (Ring.USER, True)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("component", "instruction"), [(Component.TILEDATA, "tileloadd"), (Component.APX, "touch 19")]
)
async def test_a_dynamic_task_uses_the_feature_that_it_is_given_and_takes_nm_for_it_once(
    tell, component, instruction
):
    world = Machine(cpu="mail_2021")
    world.host_task(dynamic_task, component, b"\1" * 1024, perm=1 << component, name="task")
    story = await tell(world)
    used = [text for text in story.of("task") if text.startswith(instruction)]
    assert len(used) == 2, "once with #NM, and once more"
    assert story.labels("task")["nm"] is True
    left = (TILEDATA | HYPOTHETICAL) & ~(1 << component)
    assert story.execution.cells[cpu_cell(0)].x.xfd == left


@pytest.mark.trio
@pytest.mark.parametrize("value", [0, 0xAAAA])
async def test_an_xmm_task_finds_what_it_loaded(tell, value):
    world = Machine()
    world.host_task(xmm_task, value, name="task")
    story = await tell(world)
    assert story.of("task")[3:6] == [f"movq xmm0 {value:#x}", "nop", "movq xmm0"]
    assert story.labels("task") == {"found": True}
