"""How steps are told: text in, text out, from real executions and from values built for it."""

import itertools

import pytest

from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import CpuState, Frame, Kind
from actors.machine.xstate.registers import XState
from actors.runtime import RETRY
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.recorder import Recorder
from actors.runtime.schedule import Default
from actors.runtime.values import show
from actors.system.fpu.pkru import INIT_PKRU
from actors.system.guest import amx_guest
from actors.system.kernel.preempt_count import (
    HARDIRQ_OFFSET,
    NMI_OFFSET,
    PREEMPT_OFFSET,
    SOFTIRQ_DISABLE_OFFSET,
    SOFTIRQ_OFFSET,
)
from actors.system.kvm import FULL
from actors.system.machine import Machine
from actors.system.narration import _context, reply_text
from actors.system.tasks import amx_task, busy_task, xmm_task
from actors.system.xstate.clear import fpu__clear_user_states
from actors.system.xstate.dynamic import fpstate_realloc
from actors.system.xstate.kernel_fpu import use_fpu
from protocol.handles import Program
from protocol.instructions import UNMAPPED, WRITE_PROTECTED, Pages
from protocol.records import Change
from protocol.registers import ExitReason, Vector, Work
from protocol.replies import Data, Done, Fault, Interrupted, PageFault, Value, VmExit
from tests.system.orders import Nested


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (None, ""),
        (Done(), ""),
        (RETRY, ""),
        (Value(0), "0"),
        (Value(TILEDATA), "0x40000"),
        (Fault(Vector.NM), "#NM"),
        (Fault(Vector.GP, 0), "#GP"),
        (PageFault(Vector.PF, 4, 3, 0x7FFF_0200), "#PF at 0x7fff0200"),
        (VmExit(ExitReason.EXTERNAL_INTERRUPT), "external interrupt"),
        (VmExit(ExitReason.EXCEPTION_OR_NMI, vector=Vector.NM), "exception or nmi #NM"),
        (Interrupted(Work.RESCHED), "interrupted: resched"),
        (Interrupted(Work.EXIT_TO_USER), "interrupted: exit_to_user"),
        (Program("task"), "task"),
        (Data(b"\1"), show(b"\1")),
        (False, "False"),
    ],
)
def test_a_reply_is_told_in_an_assemblers_words(reply, text):
    assert reply_text(reply) == text


def always(execution):
    return execution.steps >= 0


async def told(world, chooser):
    recorder = Recorder()
    async with open_driver(world) as driver:
        await driver.run(chooser, observer=recorder)
    return recorder.steps


@pytest.mark.trio
@pytest.mark.parametrize(
    ("given", "source", "text"),
    [
        ({"external": 1}, "irq0", "external interrupt 0xec"),
        ({"softirq": 1}, "softirq0", "softirq interrupt 0xec"),
        ({"preemption": 1}, "timer0", "preemption interrupt 0xec"),
        ({"fpu": 1}, "fpuirq0", "FPU interrupt 0xec"),
    ],
)
async def test_an_interrupt_is_told_by_the_class_that_a_report_counts(when, given, source, text):
    world = Machine(softirq=use_fpu)
    world.host_task(busy_task, name="task")
    world.interrupts(**given)
    texts = [step.text for step in await told(world, when(source, always)) if step.column == source]
    assert texts[0] == text
    assert world.bounds() == f"1 CPU, {world.sources[source]} 1"


@pytest.mark.trio
async def test_the_interrupt_that_tells_of_a_signal_is_told_as_what_it_is(when):
    world = Machine()
    task = world.host_task(busy_task, name="task")
    world.signals(task)
    texts = [step.text for step in await told(world, when("kill task", always)) if step.column == "kill task"]
    assert "reschedule IPI 0xfd" in texts


def guest_and_task(irq):
    world = Machine()
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, name="task")
    world.interrupts(external=irq)
    return world


def step(steps, program, text):
    return next(one for one in steps if one.program == program and one.text.startswith(text))


@pytest.mark.trio
async def test_registers_that_changed_are_told_by_name_before_and_after():
    steps = await told(guest_and_task(0), Default())
    assert Change("cpu0", "XFD", "0", "0x40000") in step(steps, "guest", "wrmsr XFD 0x40000").changes
    nm = step(steps, "guest", "tileloadd")
    assert nm.reply == "#NM"
    assert nm.changes == (Change("cpu0", "XFD_ERR", "0", "0x40000"),)
    loaded = [one for one in steps if one.program == "guest" and one.text.startswith("tileloadd")][1]
    assert [(change.field, change.before) for change in loaded.changes] == [("TILEDATA", "init")]
    assert step(steps, "guest", "ldtilecfg").changes == (Change("cpu0", "TILECFG", "init", "set"),)
    assert step(steps, "vcpu", "vmenter").changes == (Change("cpu0", "runs", "vcpu", "guest"),)


@pytest.mark.trio
async def test_areas_are_told_by_the_components_in_them(before_message):
    world = Machine()
    for name in ("one", "two"):
        world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, name=name)
    world.interrupts(external=1)
    steps = await told(world, before_message("irq0", "one", "tilestored"))
    assert step(steps, "one", "xsaves").changes == (
        Change("one->fpstate[0x40000].regs", "", "[0]", "[TILECFG|TILEDATA]"),
    )


async def reallocates_twice(cpu):
    await cpu.syscall()
    for feature in (TILEDATA, HYPOTHETICAL):
        await fpstate_realloc(cpu, feature)


@pytest.mark.trio
async def test_an_area_that_is_not_there_is_none_before_it_is_allocated_and_when_it_is_freed():
    world = Machine(cpu="mail_2021")
    world.host_task(reallocates_twice, name="task")
    steps = await told(world, Default())
    first, second = "task->fpstate[0x40000]", "task->fpstate[0xc0000]"
    assert [(one.text, one.changes) for one in steps if one.text.startswith(("vzalloc", "vfree"))] == [
        (f"vzalloc {first}", ()),
        (f"vzalloc {second}", ()),
        (f"vfree {first}", ()),
        (f"vfree {second}", ()),
    ]


@pytest.mark.trio
async def test_the_margin_tells_irqs_reschedule_context_and_depth_before_the_step(before_message):
    steps = await told(guest_and_task(1), before_message("irq0", "guest", "rdmsr XFD_ERR"))
    assert step(steps, "vcpu", "cli").margin == "...."
    assert step(steps, "vcpu", "vmenter").margin == "d..."
    assert step(steps, "guest", "wrmsr").margin == "..g."
    assert step(steps, "guest", "rdmsr XFD_ERR").margin[0] == "d", "the guest's own IF"
    assert step(steps, "irq0", "iret").margin == "dNh."
    assert step(steps, "irq0", "this_cpu add preempt_count 65536").margin == "d.h."


async def nested():
    world = Machine(softirq=use_fpu)
    world.host_task(xmm_task, 5, name="task")
    world.interrupts(softirq=1, external=1)
    return await told(world, Nested("irq0", "movq"))


def change_of(step):
    """What a step changed, and to what, if it changed one thing."""
    return [text for change in step.changes for text in (change.field, change.after)][:2]


@pytest.mark.trio
async def test_the_margin_tells_softirqs_interrupts_and_one_in_the_other_as_ftrace_does():
    steps = await nested()
    margins = {(one.program, one.text, *change_of(one)): one.margin for one in reversed(steps)}
    assert margins["softirq0", "this_cpu store", "softirq_pending", "True"] == "d.h."
    assert margins["softirq0", "this_cpu store", "softirq_pending", "False"] == "d.s."
    assert margins["softirq0", "this_cpu store", "in_kernel_fpu", "True"] == "..s1"
    margins = {(one.program, one.text): one.margin for one in reversed(steps)}
    assert margins["irq0", "set TIF_NEED_RESCHED of task"] == "d.H1"
    assert margins["irq0", "this_cpu add preempt_count -65536"] == "dNH1"
    assert margins["softirq0", "movq xmm0 0xc0ffee"] == ".Ns1"
    assert margins["task", "read the flags of task"] == "d...", "the first, on its way to user mode"
    assert margins["task", "syscall"] == "...."


def state(*frames):
    return CpuState(frames, XState())


TASK_FRAME, IRQ_FRAME = Frame(Program("task"), Kind.TASK), Frame(Program("irq0"), Kind.HARDIRQ)
GUEST_FRAME = Frame(Program("guest"), Kind.GUEST)


@pytest.mark.parametrize(
    ("frames", "count", "letter"),
    [
        ((TASK_FRAME,), 0, "."),
        ((TASK_FRAME,), SOFTIRQ_DISABLE_OFFSET, "."),
        ((TASK_FRAME,), SOFTIRQ_OFFSET, "s"),
        ((TASK_FRAME,), SOFTIRQ_OFFSET + 3 * SOFTIRQ_DISABLE_OFFSET, "s"),
        ((TASK_FRAME, IRQ_FRAME), 0, "h"),
        ((TASK_FRAME, IRQ_FRAME), HARDIRQ_OFFSET, "h"),
        ((TASK_FRAME, IRQ_FRAME), HARDIRQ_OFFSET + SOFTIRQ_DISABLE_OFFSET, "h"),
        ((TASK_FRAME, IRQ_FRAME), HARDIRQ_OFFSET + SOFTIRQ_OFFSET, "H"),
        ((TASK_FRAME, IRQ_FRAME), SOFTIRQ_OFFSET, "s"),
        ((TASK_FRAME,), NMI_OFFSET, "z"),
        ((TASK_FRAME,), NMI_OFFSET + HARDIRQ_OFFSET, "Z"),
        ((TASK_FRAME, GUEST_FRAME), PREEMPT_OFFSET, "g"),
    ],
)
def test_the_context_is_read_from_preempt_count_and_a_handlers_frame(frames, count, letter):
    assert _context(state(*frames), count) == letter


@pytest.mark.trio
async def test_flags_are_told_by_name_and_a_pointer_by_what_it_points_to():
    steps = await nested()
    read = [one.reply for one in steps if one.text == "read the flags of task"]
    assert read[0] == "0"
    assert "TIF_NEED_RESCHED|TIF_NEED_FPU_LOAD" in read
    assert step(steps, "softirq0", "load task->fpu.fpstate").reply == "task->fpstate"
    owner = ("cpu0.fpu_fpregs_owner_ctx", "fpu_fpregs_owner_ctx")
    stores = [one.changes for one in steps if (one.program, one.text) == ("softirq0", "this_cpu store")]
    assert (Change(*owner, "task", "None"),) in stores


@pytest.mark.trio
async def test_a_softirqs_interrupt_is_an_event_of_its_own_class():
    steps = await nested()
    assert [(one.program, one.event) for one in steps if one.event] == [
        ("softirq0", "softirq"),
        ("irq0", "external interrupt"),
    ]


@pytest.mark.trio
async def test_what_is_about_to_be_saved_or_loaded_is_noted_while_it_is():
    steps = await nested()
    noted = [(one.text, one.labels) for one in steps if one.labels]
    assert noted == [
        ("load task->fpu.fpstate", (("xsaves", "task->fpstate SSE|TILECFG"),)),
        ("this_cpu load xfd_state", (("xrstors", "task->fpstate SSE|TILECFG|TILEDATA"),)),
        ("movq xmm0", (("found", "True"),)),
    ]


@pytest.mark.trio
async def test_an_interrupt_is_an_event_when_it_arrives_and_not_again_when_it_is_delivered(before_message):
    steps = await told(guest_and_task(1), before_message("irq0", "guest", "rdmsr XFD_ERR"))
    arrivals = [(one.event, one.reply) for one in steps if one.text.startswith("external interrupt")]
    assert arrivals == [("external interrupt", ""), ("", "")]
    assert {one.event for one in steps if one.program != "irq0"} == {""}


@pytest.mark.trio
async def test_what_the_margin_tells_is_not_told_twice(before_message):
    steps = await told(guest_and_task(1), before_message("irq0", "guest", "rdmsr XFD_ERR"))
    for one in steps:
        if "TIF_NEED_RESCHED" in one.text or "preempt_count" in one.text:
            assert one.changes == ()
            assert one.reply == ""


@pytest.mark.trio
async def test_a_store_names_its_cell_once(before_message):
    steps = await told(guest_and_task(1), before_message("irq0", "guest", "rdmsr XFD_ERR"))
    store = next(one for one in steps if one.text == "store" and one.program == "vcpu")
    assert store.changes == (Change("guest->xfd_err", "", "0", "0x40000"),)


async def protects(cpu, area):
    for pages in (WRITE_PROTECTED, UNMAPPED, Pages(absent=((4096, 8192),)), Pages()):
        await cpu.store(area.pages, pages)


@pytest.mark.trio
async def test_pages_are_told_in_a_word():
    world = Machine()
    world.host_task(protects, world.user_area("frame"), name="task")
    steps = await told(world, Default())
    words = ["mapped", "read-only", "unmapped", "partly mapped", "mapped"]
    assert [one.changes for one in steps if one.text == "store"] == [
        (Change("pages of frame", "", was, now),) for was, now in itertools.pairwise(words)
    ]


@pytest.mark.trio
async def test_a_migration_is_an_event_of_no_cpu(when):
    world = Machine(cpus=2)
    world.host_task(busy_task, name="first")
    moved = world.host_task(busy_task, name="moved")
    world.migrations(moved, to=1)
    steps = await told(world, when("migration", lambda execution: execution.steps >= 0))
    move = step(steps, "migration", "move")
    assert (move.event, move.margin, move.outcome) == ("migration", "", "moved")


async def writes_registers(cpu):
    await cpu.ldmxcsr(0x1FC0)
    await cpu.wrpkru(0)
    await cpu.movq(0, 1)
    await cpu.syscall()
    await cpu.set_cr4_osxsave(False)
    await cpu.set_cr4_osxsave(True)


@pytest.mark.trio
async def test_whatever_component_or_control_register_changes_is_told():
    world = Machine(pkru=True)
    world.host_task(writes_registers, name="task")
    steps = await told(world, Default())
    assert step(steps, "task", "ldmxcsr").changes == (
        Change("cpu0", "MXCSR", "0x1f80", "0x1fc0"),
        Change("cpu0", "SSE", "init", "initial"),
    )
    before = show(INIT_PKRU.to_bytes(8, "little"))
    assert step(steps, "task", "wrpkru").changes == (Change("cpu0", "PKRU", before, "zero"),)
    assert step(steps, "task", "movq").changes == (
        Change("cpu0", "SSE", "initial", show(b"\1" + bytes(255))),
    )
    assert step(steps, "task", "clear CR4.OSXSAVE").changes == (Change("cpu0", "CR4.OSXSAVE", "1", "0"),)


async def locks(cpu):
    await cpu.syscall()
    await fpu__clear_user_states(cpu)


@pytest.mark.trio
async def test_a_step_says_for_whom_a_lock_was_taken():
    world = Machine()
    world.host_task(locks, name="task")
    steps = await told(world, Default())
    found = {
        (step.function, step.caller) for step in steps if step.text.startswith("this_cpu add preempt_count")
    }
    assert ("local_bh_disable", "fpu__clear_user_states") in found
    assert {step.caller for step in steps if step.function == "__schedule"} >= {"user_task"}
