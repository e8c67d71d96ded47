"""How steps are told: text in, text out, from real executions and from values built for it."""

import itertools

import pytest

from actors.machine.model import TILEDATA
from actors.runtime import RETRY
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.recorder import Recorder
from actors.runtime.schedule import Default
from actors.runtime.values import show
from actors.system.guest import amx_guest
from actors.system.kvm import FULL
from actors.system.machine import Machine
from actors.system.narration import reply_text
from actors.system.tasks import amx_task, busy_task
from protocol.instructions import UNMAPPED, WRITE_PROTECTED, Pages
from protocol.records import Change
from protocol.registers import ExitReason, Vector, Work
from protocol.replies import Data, Done, Fault, Interrupted, PageFault, Value, VmExit


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
        (Data(b"\1"), show(b"\1")),
        (False, "False"),
    ],
)
def test_a_reply_is_told_in_an_assemblers_words(reply, text):
    assert reply_text(reply) == text


async def told(world, chooser):
    recorder = Recorder()
    async with open_driver(world) as driver:
        await driver.run(chooser, observer=recorder)
    return recorder.steps


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
        Change("one->fpstate.regs", "", "[0]", "[TILECFG|TILEDATA]"),
    )


@pytest.mark.trio
async def test_the_margin_tells_irqs_reschedule_context_and_depth_before_the_step(before_message):
    steps = await told(guest_and_task(1), before_message("irq0", "guest", "rdmsr XFD_ERR"))
    assert step(steps, "vcpu", "cli").margin == "...."
    assert step(steps, "vcpu", "vmenter").margin == "d..."
    assert step(steps, "guest", "wrmsr").margin == "..g."
    assert step(steps, "guest", "rdmsr XFD_ERR").margin[0] == "d", "the guest's own IF"
    assert step(steps, "irq0", "iret").margin == "dNh."
    assert step(steps, "task", "this_cpu add preempt_count -1").margin == "...1"


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
        if "need_resched" in one.text or "preempt_count" in one.text:
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
    world = Machine()
    world.host_task(writes_registers, name="task")
    steps = await told(world, Default())
    assert step(steps, "task", "ldmxcsr").changes == (
        Change("cpu0", "MXCSR", "0x1f80", "0x1fc0"),
        Change("cpu0", "SSE", "init", "initial"),
    )
    assert step(steps, "task", "wrpkru").changes == (Change("cpu0", "PKRU", "init", "zero"),)
    assert step(steps, "task", "movq").changes == (
        Change("cpu0", "SSE", "initial", show(b"\1" + bytes(255))),
    )
    assert step(steps, "task", "clear CR4.OSXSAVE").changes == (Change("cpu0", "CR4.OSXSAVE", "1", "0"),)
