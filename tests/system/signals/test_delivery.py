"""A signal from its sending to its handler's return: the order, the ends that it can come to, and where it may be preempted."""

import pytest

from actors.runtime import set_label
from actors.system.kernel.data import Sigaction, Task
from actors.system.kernel.flags import Flags
from actors.system.machine import Machine
from actors.system.signals.sources import send_signal
from actors.system.signals.uabi import frame_with
from protocol.handles import Program
from tests.system.signals.worlds import VALUE, handler, interrupted, signalled

SIGNALS = Flags.PENDING | Flags.BLOCKED | Flags.TIF_SIGPENDING


def steps(story, first, last):
    """What the task sent, from one text to another."""
    texts = story.of("task")
    start = texts.index(first)
    return texts[start : texts.index(last, start) + 1]


@pytest.mark.trio
async def test_a_signal_is_taken_saved_for_and_handled_and_the_code_goes_on_where_it_was(
    tell, before_message
):
    world, _ = signalled()
    story = await tell(world, before_message("kill task", "task", "nop"))
    labels = story.labels("task")
    assert (labels["in handler"], labels["xmm0"]) == (0, VALUE), "the handler starts with initial state"
    texts = [text for text in story.of("task") if "xsave" in text or "xrstor" in text or "signal" in text]
    assert texts == [
        "dequeue the signal of task",
        "xsave SSE",
        "xrstors SSE|TILECFG|TILEDATA",
        "block signals of task",
        "unblock signals of task",
        "xrstor SSE|TILECFG",
    ]


@pytest.mark.trio
async def test_the_handler_runs_in_user_mode_behind_the_whole_way_back_to_it(tell, before_message):
    world, _ = signalled()
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert steps(story, "block signals of task", "unblock signals of task") == [
        "block signals of task",
        "cli",
        "read the flags of task",
        "iret",
        "movq xmm0",
        "movq xmm0 0xbad",
        "syscall",
        "unblock signals of task",
    ]


@pytest.mark.trio
async def test_an_ipi_makes_a_cpu_in_user_mode_look_and_without_it_the_next_way_back_does(
    tell, before_message
):
    world, _ = signalled()
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.of("task").count("nop") == 2, "the instruction was interrupted, and sent again"
    world, _ = signalled(kick=False)
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.of("task").count("nop") == 1
    assert "dequeue the signal of task" not in story.of("task"), "it came to no way back"


async def killed(cpu):
    await cpu.nop()
    set_label("survived")


@pytest.mark.trio
async def test_the_default_action_ends_the_task(tell, before_message):
    world, _ = signalled(killed, action=None)
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.labels("task") == {"signal": "SIGTERM"}
    assert story.execution.ending == "finished"


@pytest.mark.trio
@pytest.mark.parametrize("code", [killed, interrupted])
async def test_a_signal_at_the_tasks_very_start_is_taken_as_any(tell, when, code):
    world, _ = signalled(code, action=None)
    story = await tell(world, when("kill task", lambda _: True))
    assert story.labels("task") == {"signal": "SIGTERM"}
    assert story.execution.ending == "finished"


@pytest.mark.trio
async def test_a_frame_that_cannot_be_written_is_sigsegv_before_any_state_is_cleared(tell, before_message):
    world, area = signalled()
    world.cells[area.vma] = world.cells[area.vma].NONE
    world.cells[area.pages] = area.mapped(world.cells[area.vma])
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.labels("task")["signal"] == "SIGSEGV"
    assert "in handler" not in story.labels("task")
    assert not [text for text in story.of("task") if text.startswith(("xsave", "xrstor"))]


async def scribbles(cpu, frame):
    """A handler that spoils its frame's header."""
    await cpu.store(frame.area, frame_with(cpu.processor.model, 0, xcomp_bv=1))
    return frame


async def forgets(cpu, frame):
    """A handler that leaves no pointer to a frame."""
    del frame
    await cpu.movq(0, 0xBAD)


@pytest.mark.trio
async def test_a_handler_that_spoils_its_frame_is_sigsegv_behind_cleared_state(tell, before_message):
    world, _ = signalled(action=scribbles)
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.labels("task")["signal"] == "SIGSEGV"
    tail = [text for text in story.of("task") if text.startswith("xrstor")]
    assert tail[-2:] == ["xrstor SSE|TILECFG", "xrstors SSE|TILECFG|TILEDATA"]


@pytest.mark.trio
async def test_a_handler_that_leaves_no_frame_goes_on_with_initial_state(tell, before_message):
    world, _ = signalled(action=forgets)
    story = await tell(world, before_message("kill task", "task", "nop"))
    assert story.labels("task")["xmm0"] == 0
    assert "signal" not in story.labels("task")


@pytest.mark.trio
async def test_a_second_signal_waits_for_the_handler_to_return(sample):
    world, _ = signalled(count=2)
    cell = Task(Program("task")).flags.cell
    both, held = 0, 0
    for story in await sample(world, 60):
        texts = story.of("task")
        inside = 0
        for text in texts:
            inside += text == "block signals of task"
            inside -= text == "unblock signals of task"
            assert inside in {0, 1}
        both += texts.count("dequeue the signal of task") == 2
        seen = {before[cell] & SIGNALS for before in story.states if cell in before}
        assert SIGNALS not in seen
        held += Flags.PENDING | Flags.BLOCKED in seen
        assert story.labels("task")["xmm0"] == VALUE
    assert both
    assert held


@pytest.mark.trio
async def test_wherever_it_is_preempted_and_whoever_takes_its_page_the_code_finds_its_register(sample):
    world, area = signalled(irq=2)
    world.host_task(interrupted, name="other")
    world.reclaims(area, count=1)
    handled = 0
    for story in await sample(world, 100):
        labels = story.labels("task")
        handled += "in handler" in labels
        assert labels.get("in handler", 0) == 0
        assert labels["xmm0"] == story.labels("other")["xmm0"] == VALUE
    assert handled > 20


@pytest.mark.trio
async def test_a_signal_that_comes_while_its_state_is_in_memory_finds_it_there(tell, when):
    """Preempted in user mode, signalled while it is off its CPU: the frame has what XSAVES had put into its fpstate."""
    world, area = signalled(kick=False, irq=1)
    world.host_task(interrupted, name="other")

    class Away:
        """The tick before the task's NOP, and the signal as soon as the task is off its CPU."""

        def program(self, execution, enabled):
            task = execution.running["task"]
            if execution.cells[task.handle.placement].cpu is None:
                wanted = "kill task"
            else:
                wanted = "irq0" if task.pending.to.describe(task.pending.message) == "nop" else ""
            return next((at for at, one in enumerate(enabled) if one.name == wanted), 0)

        def outcome(self, *asked):
            del asked
            return 0

    story = await tell(world, Away())
    texts = steps(story, "dequeue the signal of task", "xsave SSE")
    assert "clear TIF_NEED_FPU_LOAD of task" in texts
    assert story.labels("task")["xmm0"] == VALUE
    piece = next(one for one in story.execution.cells[area.area].contents if len(one) == 256)
    assert int.from_bytes(piece[:8], "little") == VALUE


async def sends(cpu, target):
    await cpu.syscall()
    await send_signal(cpu, target)
    await cpu.cli()
    await cpu.iret()


@pytest.mark.trio
async def test_a_task_can_send_one_too(tell):
    world = Machine()
    target = Program("task")
    world.host_task(sends, Task(target), name="sender")
    area = world.user_frame("frame")
    world.host_task(interrupted, name="task", sigaction=Sigaction(handler, area))
    story = await tell(world)
    assert "send a signal to task" in story.of("sender")
    assert story.labels("task")["in handler"] == 0
    assert story.labels("task")["xmm0"] == VALUE
