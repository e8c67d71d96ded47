"""A tracer and a stopped task: what is waited for, what is written in which order, what is refused, and what goes on."""

import pytest

from actors.machine.model import TILEDATA
from actors.machine.state import Frame, Kind, Placement
from actors.machine.xstate.components import COMPACTED, SSE, TILECFG
from actors.runtime.errors import ModelError
from actors.system.entry.common import exit_to_user_mode_prepare, syscall
from actors.system.kernel.data import Task
from actors.system.kernel.mm import Prot
from actors.system.kernel.warnings import BAD_FPU_STATE, RESTORE_FAULTED
from actors.system.machine import Machine
from actors.system.signals.ptrace import (
    TRACED,
    WAIT_TASK_INACTIVE,
    Inactive,
    ptrace_stop,
)
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import stops, traces
from protocol.handles import Program
from protocol.registers import Component

OWN, GIVEN = 0xB, 0xB16


def traced(*, fixes="shipped", xstate_bv=SSE, xcomp_bv=0, code=stops, irq=0, **frame):
    world = Machine(fixes=fixes)
    contents = frame_with(world.cpu_model, GIVEN, xstate_bv=xstate_bv, xcomp_bv=xcomp_bv)
    buffer = world.user_frame("buffer", contents, **frame)
    task = world.host_task(code, OWN, name="B")
    world.host_task(traces, world.traced(task), buffer, name="tracer")
    world.interrupts(external=irq)
    return world


def regs(story, task="B"):
    return next(
        value for cell, value in story.execution.cells.items() if cell.name == f"{task}->fpstate.regs"
    )


@pytest.mark.trio
async def test_a_stopped_task_runs_on_with_what_its_tracer_wrote(tell):
    story = await tell(traced())
    assert story.labels("tracer")["wrote"] == "0"
    assert story.labels("B")["xmm0"] == GIVEN


@pytest.mark.trio
async def test_the_buffer_is_copied_last_cpu_goes_and_the_header_comes_last(tell):
    texts = (await tell(traced())).of("tracer")
    first = texts.index("wait until B is off its CPU")
    written = [text.split(" XsaveArea")[0] for text in texts[first : first + 9]]
    assert written == [
        "wait until B is off its CPU",
        "get_user buffer",
        "store B->fpu.last_cpu -1",
        "load B->fpu.fpstate",
        "load B->fpstate.regs",
        "store B->fpstate.regs",
        "store B->fpstate.regs",
        "store B->__state running",
        "this_cpu enqueue B on runqueue",
    ]


@pytest.mark.trio
async def test_data_comes_before_the_header_bits_that_say_it_is_there(tell):
    story = await tell(traced(code=stops_fresh))
    stored = [
        message.message.value for name, message, _, text in story.steps if text.startswith("store B->fpstate")
    ]
    data, header = stored
    assert (data.xstate_bv, header.xstate_bv) == (0, SSE)
    assert data.contents == header.contents
    assert any(int.from_bytes(piece[:8], "little") == GIVEN for piece in data.contents)


async def stops_fresh(cpu, value):
    del value
    await syscall(cpu, ptrace_stop)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("refused", "header"),
    [
        pytest.param("EINVAL", {"xcomp_bv": 1 << 62}, id="a bit that no CPU has"),
        pytest.param("EINVAL", {"xcomp_bv": COMPACTED | SSE}, id="the compacted format"),
        pytest.param("EINVAL", {"xcomp_bv": SSE}, id="a component in XCOMP_BV"),
        pytest.param("EINVAL", {"xstate_bv": SSE | TILEDATA}, id="a component without room"),
        pytest.param("EINVAL", {"xstate_bv": SSE | 1 << Component.CET_U}, id="a supervisor component"),
        pytest.param("EFAULT", {"prot": Prot.NONE}, id="no buffer"),
        pytest.param("0", {"prot": Prot.READ}, id="a buffer that can only be read"),
        pytest.param("0", {"resident": False}, id="a buffer that has to be brought in"),
        pytest.param("0", {"xstate_bv": SSE | TILECFG}, id="a component that is initial"),
    ],
)
async def test_what_is_refused_changes_nothing(tell, refused, header):
    story = await tell(traced(**header))
    assert story.labels("tracer")["wrote"] == refused
    assert story.labels("B")["xmm0"] == (GIVEN if refused == "0" else OWN)
    assert story.execution.ending == "finished"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("refused", "cleared"),
    [({"xcomp_bv": SSE}, True), ({"prot": Prot.NONE}, False)],
    ids=["EINVAL", "EFAULT"],
)
async def test_last_cpu_goes_before_the_header_is_looked_at_and_behind_the_copy(tell, refused, cleared):
    texts = (await tell(traced(**refused))).of("tracer")
    assert ("store B->fpu.last_cpu -1" in texts) is cleared
    assert not [text for text in texts if text.startswith("store B->fpstate.regs")]


@pytest.mark.trio
async def test_without_the_fix_the_bits_are_in_the_fpstate_and_the_restore_is_skipped(tell):
    story = await tell(traced(fixes="-814fb7bb7db5,-d5c8028b4788", xcomp_bv=1 << 62))
    assert story.labels("tracer")["wrote"] == "0"
    assert (story.labels("B")["warning"], story.labels("B")["fixup"]) == (
        RESTORE_FAULTED.words,
        "xrstors skipped",
    )
    texts = story.of("B")
    failed = len(texts) - 1 - texts[::-1].index("xrstors SSE|TILECFG|TILEDATA")
    assert texts[failed + 1 : failed + 3] == ["iret", "this_cpu store fpu_fpregs_owner_ctx B"]
    assert story.labels("B")["xmm0"] == 0, "what the tracer had in its registers"


@pytest.mark.trio
async def test_todays_fixup_loads_init_fpstate(tell):
    world = traced(code=spoils)
    story = await tell(world)
    assert story.labels("B")["warning"] == BAD_FPU_STATE.words
    texts = story.of("B")
    failed = texts.index("xrstors SSE|TILECFG|TILEDATA")
    assert texts[failed + 1 : failed + 5] == [
        "load init_fpstate.xfd",
        "this_cpu load xfd_state",
        "xrstors SSE|TILECFG|TILEDATA",
        "iret",
    ]


@pytest.mark.trio
async def test_without_the_check_alone_the_fixup_keeps_the_tracers_registers_from_the_task(tell):
    story = await tell(traced(fixes="-814fb7bb7db5", xcomp_bv=1 << 62))
    assert story.labels("tracer")["wrote"] == "0"
    assert story.labels("B")["fixup"] == "registers reinitialized"
    assert story.labels("B")["xmm0"] == 0


async def spoils(cpu, value):
    """A task whose fpstate has gone bad by itself, for all that the kernel knows."""
    del value
    await cpu.syscall()
    await ptrace_stop(cpu)
    fpstate = await cpu.read(cpu.me.fpstate)
    await cpu.store(fpstate.regs, frame_with(cpu.processor.model, 0, xcomp_bv=1 << 62))
    await cpu.cli()
    await exit_to_user_mode_prepare(cpu)
    await cpu.iret()


def test_a_task_that_is_still_on_its_cpu_is_waited_for():
    message = Inactive(Task(Program("B")))
    cell = Program("B").placement
    here, away = Placement(0), Placement(None, Frame(Program("B"), Kind.TASK))
    assert WAIT_TASK_INACTIVE.handle(Program("tracer"), message, {cell: here}) == ()
    assert len(WAIT_TASK_INACTIVE.handle(Program("tracer"), message, {cell: away})) == 1


@pytest.mark.trio
async def test_on_two_cpus_nothing_is_written_while_the_task_has_not_left_its_own(sample):
    for story in await sample(two_cpus(), 40):
        order = [(name, text.split(" XsaveArea")[0]) for name, _, _, text in story.steps]
        write = order.index(("tracer", "store B->fpstate.regs"))
        left = next(
            at for at, (name, text) in enumerate(order) if name == "B" and text.startswith("switch_to")
        )
        stopped = order.index(("B", f"store B->__state {TRACED}"))
        assert stopped < left < write
        assert story.labels("B")["xmm0"] == GIVEN


def two_cpus():
    world = Machine(cpus=2)
    buffer = world.user_frame("buffer", frame_with(world.cpu_model, GIVEN))
    task = world.host_task(stops, OWN, name="B")
    world.host_task(traces, world.traced(task), buffer, cpu=1, name="tracer")
    return world


def test_only_a_task_of_the_machine_can_be_traced():
    with pytest.raises(ModelError, match="nobody is no task of this machine"):
        Machine().traced(Program("nobody"))
