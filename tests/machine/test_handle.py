"""The calls that a program makes: one instruction each, its result unpacked, faults raised, and `irqs_off` as a pair."""

import msgspec
import pytest

from actors.machine.handle import Cpu, UnhandledFault
from actors.machine.model import cpu_model
from actors.machine.processor import Processor, Through
from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, Vmcs, Vmx, cpu_cell
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tiles import config
from actors.runtime import Variable, World, set_label
from actors.runtime.devices.variable import FetchAdd
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.instructions import MsrArea, XsaveArea
from protocol.registers import Component, ExitReason, Msr, Vector, Work
from protocol.replies import VmExit

AREA, PLAIN, WORD = Cell("area"), Cell("plain area"), Cell("word")
TILES = 3 << 17


async def guest(cpu):
    await cpu.xsetbv(0b11)
    try:
        await cpu.hlt()
    except UnhandledFault:
        await cpu.iret()
    await cpu.hlt()


async def resting(cpu, first):
    await cpu.switch_to(first)


def build(program, *args, ring=Ring.KERNEL):
    """One CPU with `program` on it, a guest `vcpu` to enter, another task, and two words of memory."""
    world = World()
    cpu = Cpu(Processor("cpu", cpu_model("mail_2021")))
    world.variable("word", 7)
    world.cell(AREA, XsaveArea(0, 1 << 63))
    world.cell(PLAIN, XsaveArea())
    first = world.program(program, cpu, *args, name="task")
    inside = world.program(guest, cpu, name="guest", background=True)
    other = world.program(resting, cpu, first, name="other", background=True)
    saved = (Saved(Ring.USER, True),)
    frame = Frame(first, Kind.TASK, ring, () if ring.cpl else saved)
    world.cell(cpu_cell(0), CpuState((frame,), XState(xcr0=0xE02E7)))
    world.cell(first.placement, Placement(0))
    world.cell(inside.placement, Placement())
    world.cell(other.placement, Placement(None, Frame(other, Kind.TASK)))
    vmx = Vmx("vcpu")
    world.cell(vmx.vmcs, Vmcs(Frame(inside, Kind.GUEST, vcpu="vcpu")))
    world.cell(vmx.guest_msrs, MsrArea())
    world.cell(vmx.host_msrs, MsrArea())
    return world


async def extended(cpu):
    """The part of it that is about extended state."""
    await cpu.xsavec(TILES, AREA)
    await cpu.xrstor(TILES, op.MemoryOperand(AREA))
    await cpu.xsave(TILES, PLAIN)
    await cpu.xsaveopt(TILES, PLAIN, rexw=False)
    assert (await cpu.load(PLAIN)).xstate_bv == TILES
    await cpu.ldtilecfg(config(1, 1, 1, colsb=4))
    await cpu.tileloadd(1, b"\1\1\1\1")
    await cpu.tileloadd(2, b"\2\2\2\2")
    await cpu.tdpbssd(0, 1, 2)
    assert (await cpu.tilestored(0))[:4] == b"\10\0\0\0"
    await cpu.set_cr4_osxsave(True)
    assert await cpu.read_cr0() == 0
    await cpu.wrpkru(3)
    assert await cpu.rdpkru() == 3
    await cpu.ldmxcsr(0x1FC0)
    assert await cpu.stmxcsr() == 0x1FC0
    await cpu.fninit()
    await cpu.movq(1, 2)
    assert await cpu.movq_from(1) == 2
    await cpu.vpbroadcastq(1, 2, 256)
    await cpu.kmovq(1, 2)
    await cpu.vzeroupper()
    await cpu.vzeroall()


async def everything(cpu):
    """Each call once, its result checked where it has one."""
    await cpu.nop()
    await cpu.cli()
    await cpu.sti()
    await cpu.wrmsr(Msr.XFD, 1 << 19)
    assert await cpu.rdmsr(Msr.XFD) == 1 << 19
    await cpu.xsetbv(0xE02E7)
    assert await cpu.xgetbv() == 0xE02E7
    await cpu.set_cr0_ts(False)
    await cpu.ldtilecfg(config(16))
    assert await cpu.sttilecfg() == config(16)
    await cpu.tileloadd(0, b"\1" * 1024)
    assert await cpu.tilestored(0) == b"\1" * 1024
    assert await cpu.xgetbv(1) == TILES
    await cpu.xsaves(TILES, AREA)
    await cpu.tilezero(0)
    await cpu.tilerelease()
    await cpu.xrstors(TILES, AREA)
    await extended(cpu)
    await cpu.wrmsr(Msr.XFD, 0)
    await cpu.touch(Component.APX)
    assert await cpu.read_current() == Program("task")
    assert await cpu.load(WORD) == 7
    await cpu.store(WORD, 8)
    assert await cpu.through(Variable("word"), FetchAdd(1)) == 8
    assert await cpu.vmenter("vcpu") == VmExit(ExitReason.XSETBV, 0, 0b11)
    await cpu.vmwrite("vcpu")
    await cpu.vmcontrol("vcpu", op.Controls(exception_bitmap=1 << Vector.UD))
    await cpu.vminject("vcpu", Vector.NM)
    await cpu.vminject("vcpu", Vector.PF, 4, 0x1000)
    assert await cpu.vmenter("vcpu") == VmExit(ExitReason.HLT)
    await cpu.switch_to(Program("other"))
    await cpu.jmp_far(long_mode=False)
    await cpu.jmp_far(long_mode=True)
    await cpu.syscall()
    await cpu.iret()
    await cpu.iret(Work.NONE)
    set_label("all of it")


@pytest.mark.trio
async def test_each_call_sends_its_instruction_and_unpacks_its_result(run):
    execution, steps = await run(build(everything))
    assert execution.violation is None
    assert execution.running["task"].labels == {"all of it": True}
    sent = [message for name, message, _ in steps if name == "task"]
    assert sent[:4] == [op.Nop(), op.Cli(), op.Sti(), op.Wrmsr(Msr.XFD, 1 << 19)]
    assert sent[-3:] == [op.Syscall(), op.Iret(), op.Iret()]
    assert Through(Variable("word"), FetchAdd(1)) in sent
    assert op.Vminject("vcpu", Vector.PF, 4, 0x1000) in sent
    assert sent.index(op.JmpFar(long_mode=False)) + 1 == sent.index(op.JmpFar(long_mode=True))
    assert {type(message) for message in sent} >= {
        op.Touch,
        op.Tilezero,
        op.MovCr0Ts,
        op.Sttilecfg,
        op.Load,
        op.JmpFar,
    }


async def faults(cpu, instruction):
    await cpu.execute(instruction)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        (op.Wrmsr(Msr.XFD, 1), "#GP(0x0) at wrmsr"),
        (op.Tilezero(0), "#UD at tilezero"),
    ],
)
async def test_a_fault_that_nobody_handles_ends_the_program_in_so_many_words(run, instruction, words):
    execution, _ = await run(build(faults, instruction))
    failure = execution.violation.failure
    assert (failure.type, failure.text) == ("UnhandledFault", words)


async def closed(cpu):
    async with cpu.irqs_off():
        await cpu.rdmsr(Msr.XFD)


@pytest.mark.trio
async def test_irqs_off_is_cli_and_sti_with_one_instruction_behind_it(run):
    _, steps = await run(build(closed))
    assert [message for _, message, _ in steps] == [op.Cli(), op.Rdmsr(Msr.XFD), op.Sti(), op.Nop()]


class Oops(Exception):
    """Not an assertion: an exception that a kernel raises when it dies."""


async def dies_inside(cpu):
    async with cpu.irqs_off():
        await cpu.nop()
        raise Oops


@pytest.mark.trio
async def test_a_program_that_dies_with_interrupts_off_does_not_open_them(run):
    execution, steps = await run(build(dies_inside))
    assert [message for _, message, _ in steps] == [op.Cli(), op.Nop()]
    assert execution.violation.failure.type == "Oops"


async def interrupted_here(cpu):
    set_label("cpl", await cpu.external_interrupt())
    await cpu.iret()


async def busy(cpu):
    await cpu.nop()
    await cpu.nop()


@pytest.mark.trio
@pytest.mark.parametrize("ring", list(Ring))
async def test_a_handler_is_told_the_privilege_level_that_it_interrupted(run, ring):
    world = build(busy, ring=ring)
    processor = Processor("cpu", cpu_model("mail_2021"))
    irq = world.program(interrupted_here, Cpu(processor), name="irq")
    world.cell(irq.placement, Placement(0))
    execution, _ = await run(world, First("irq"))
    assert execution.running["irq"].labels == {"cpl": ring.cpl}


class First:
    """A chooser that lets one program go first wherever it can."""

    def __init__(self, name):
        self._name = name

    def program(self, execution, enabled):
        del execution
        return next((at for at, one in enumerate(enabled) if one.name == self._name), 0)

    def outcome(self, execution, running, count):
        del execution, running, count
        return 0


def test_a_handle_is_a_value():
    cpu = Cpu(Processor("cpu", cpu_model("sapphire_rapids")))
    assert cpu == Cpu(Processor("cpu", cpu_model("sapphire_rapids")))
    assert cpu != Cpu(Processor("cpu", cpu_model("mail_2021")))
    assert msgspec.structs.asdict(cpu) == {"processor": cpu.processor}
