"""The device as a whole: who is heard, what it touches, and what holds after any sequence of messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.processor import PerCpu, Through
from actors.machine.state import HANDLERS, Kind, Placement, cpu_cell
from actors.machine.xstate.components import TILES, is_initial
from actors.machine.xstate.tiles import config
from actors.runtime import Lock, Variable
from actors.runtime.device import RETRY, Device, Footprint, Outcome
from actors.runtime.devices.variable import Await, FetchAdd, Load, Store
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.registers import Component, Msr, Vector
from tests.machine.conftest import Bench

# Who is heard.


def test_a_program_that_is_on_no_cpu_is_not_heard(bench):
    cpu = bench()
    assert cpu.footprint(op.Nop(), cpu.guest).actor == "off cpu"
    assert not cpu.enabled(op.Nop(), cpu.guest)


def test_the_actor_is_the_cpu_that_the_sender_runs_on(bench):
    cpu = bench()
    assert cpu.footprint(op.Nop()).actor == "cpu0"
    cpu.cells[cpu_cell(3)] = cpu.cpu
    cpu.cells[cpu.task.placement] = Placement(3)
    footprint = cpu.footprint(op.Nop())
    assert (footprint.actor, footprint.writes) == ("cpu3", (cpu_cell(3),))


def test_where_the_sender_runs_is_part_of_what_is_read(bench):
    cpu = bench()
    for message in (op.Nop(), op.ExternalInterrupt(), op.Load(cpu.word)):
        assert cpu.task.placement in cpu.footprint(message, cpu.task).reads


def test_a_plain_instruction_touches_its_cpu_and_nothing_else(bench):
    cpu = bench()
    footprint = cpu.footprint(op.Wrmsr(Msr.XFD, 0))
    assert set(footprint.reads) == {cpu_cell(0), cpu.task.placement}
    assert footprint.writes == (cpu_cell(0),)


def test_what_may_leave_a_guest_touches_its_vmcs_and_areas_in_a_guest_alone(bench):
    cpu = bench()
    areas = {cpu.vmx.vmcs, cpu.vmx.guest_msrs, cpu.vmx.host_msrs}
    for message, sender in (
        (op.Hlt(), cpu.guest),
        (op.Xsetbv(7), cpu.guest),
        (op.ExternalInterrupt(), cpu.irq),
    ):
        cpu.cells[cpu.guest.placement] = Placement(0)
        assert not areas & set(cpu.footprint(message, sender).reads)
    cpu.do(op.Vmenter("vcpu"))
    for message, sender in (
        (op.Hlt(), cpu.guest),
        (op.Xsetbv(7), cpu.guest),
        (op.ExternalInterrupt(), cpu.irq),
    ):
        assert areas <= set(cpu.footprint(message, sender).reads)
    assert not areas & set(cpu.footprint(op.Nop(), cpu.guest).reads)


# Through a CPU to another device.


class Patient(Device, frozen=True):
    """A device that keeps every message pending."""

    def footprint(self, sender, message, read):
        del sender, message, read
        return Footprint()

    def handle(self, sender, message, values):
        del sender, message, values
        return (Outcome(RETRY),)


def test_memory_is_reached_through_the_cpu_in_one_step(bench):
    cpu = bench()
    counter = Variable("word")
    assert cpu.do(Through(counter, FetchAdd(2))) == 7
    assert cpu.cells[cpu.word] == 9
    assert set(cpu.footprint(Through(counter, Load())).reads) == {cpu_cell(0), cpu.task.placement, cpu.word}


def test_a_message_through_the_cpu_waits_where_the_device_makes_it_wait_and_ends_a_shadow(bench):
    cpu = bench()
    assert not cpu.enabled(Through(Variable("word"), Await(8)))
    assert cpu.enabled(Through(Variable("word"), Await(7)))
    cpu.set(sti_shadow=True).do(Through(Variable("word"), Load()))
    assert not cpu.cpu.sti_shadow


def test_a_per_cpu_variable_is_that_of_the_cpu_it_is_used_on(bench):
    variable = PerCpu("need_resched", (Variable("cpu0.need_resched"), Variable("cpu1.need_resched")))
    cpu = bench()
    cpu.cells |= {Cell("cpu0.need_resched"): False, Cell("cpu1.need_resched"): False, cpu_cell(1): cpu.cpu}
    cpu.cells[cpu.task.placement] = Placement(1)
    outcomes = cpu.outcomes(Through(variable, Store(True)), cpu.task)
    assert outcomes[0].writes == ((Cell("cpu1.need_resched"), True),)


def test_a_message_through_the_cpu_waits_for_pending_work_and_interrupts_like_any_instruction(bench):
    cpu = bench()
    cpu.do(op.Vmenter("vcpu"))
    cpu.do(op.ExternalInterrupt(), cpu.irq)
    cpu.set(interrupt_flag=True)
    assert not cpu.enabled(Through(Variable("word"), Load()), cpu.task)


def test_a_device_that_keeps_messages_pending_cannot_be_used_through_a_cpu(bench):
    with pytest.raises(RuntimeError, match="patient cannot be used through a CPU"):
        bench().outcomes(Through(Patient("patient"), Load()))


def test_messages_are_described_as_in_a_listing(bench):
    processor = bench().processor
    per_cpu = PerCpu("preempt_count", (Variable("cpu0.preempt_count"), Variable("cpu1.preempt_count")))
    assert processor.describe(op.Rdmsr(Msr.XFD_ERR)) == "rdmsr XFD_ERR"
    assert processor.describe(Through(per_cpu, FetchAdd(1))) == "this_cpu add preempt_count 1"
    assert processor.describe(Through(Variable("x"), Store(1))) == "store x 1"
    assert processor.describe(Through(Lock("L"), op.Nop())).startswith("L.")


# After any sequence.

DEVICES = (Variable("word"),)
OPERANDS = (
    Cell("area"),
    Cell("area"),
    op.MemoryOperand(Cell("area"), Cell("pages")),
    op.MemoryOperand(Cell("area"), Cell("pages"), 0x1000),
    op.MemoryOperand(Cell("area"), address=0x1008),
    op.MemoryOperand(Cell("area"), encoding="lock"),
)
xfd_values = st.sampled_from([0, TILEDATA, HYPOTHETICAL, TILEDATA | HYPOTHETICAL, 1])
rfbm = st.sampled_from([0, 0b111, 1 << 17, TILEDATA, TILES | HYPOTHETICAL, 1 << 11 | 1 << 9, 2**64 - 1])
instructions = st.one_of(
    st.sampled_from(
        [
            op.Nop(),
            op.Cli(),
            op.Sti(),
            op.Hlt(),
            op.Syscall(),
            op.JmpFar(long_mode=False),
            op.JmpFar(long_mode=True),
            op.Sttilecfg(),
            op.Tilerelease(),
            op.Ldtilecfg(bytes(64)),
            op.Ldtilecfg(config(16, 3)),
            op.Ldtilecfg(config(17)),
            op.Tileloadd(0, b"\x55" * 1024),
            op.Tileloadd(1, b"\xaa" * 1024),
            op.Tilestored(0),
            op.Tilezero(0),
            op.Touch(Component.APX, b"\1"),
            op.Tdpbssd(0, 1, 2),
            op.Wrpkru(5),
            op.Rdpkru(),
            op.Ldmxcsr(0x1FC0),
            op.Ldmxcsr(0x1F80),
            op.Stmxcsr(),
            op.Fninit(),
            op.Vzeroupper(),
            op.Vzeroall(),
            op.Movq(9, 1),
            op.Vpbroadcastq(17, 1),
            op.Vpbroadcastq(1, 1, 256),
            op.Kmovq(0, 0),
            op.MovFromCr0(),
            op.Vminject("vcpu", Vector.GP, 0),
            op.Vmcontrol("vcpu", op.Controls()),
            op.Vmcontrol("vcpu", op.Controls(1 << Vector.NM | 1 << Vector.GP, xss_exiting=1 << 11)),
            op.Vmcontrol("vcpu", op.Controls(enable_xsaves=False, wrmsr_exiting=(Msr.XFD,))),
            op.Vmenter("vcpu"),
            op.Vmread("vcpu"),
            op.Vmwrite("vcpu", 3),
            op.Iret(),
            op.ExternalInterrupt(),
            op.Nmi(),
            op.MachineCheck(),
            op.Pushf(),
            op.Load(Cell("word")),
            op.Store(Cell("word"), 9),
            op.Store(Cell("pages"), op.Pages()),
            op.Store(Cell("pages"), op.UNMAPPED),
            op.Store(Cell("pages"), op.WRITE_PROTECTED),
            op.Store(Cell("pages"), op.Pages(absent=((600, 4096),))),
            Through(DEVICES[0], FetchAdd(1)),
        ]
    ),
    st.builds(op.Rdmsr, st.sampled_from([*Msr, 0x10])),
    st.builds(op.Wrmsr, st.sampled_from([*Msr, 0x10]), xfd_values),
    st.builds(op.Xgetbv, st.integers(0, 2)),
    st.builds(op.Xsetbv, st.sampled_from([1, 0xE00E7, 0x600E7, 0x200E7, 0xE7])),
    st.builds(op.MovCr0Ts, st.booleans()),
    st.builds(op.MovCr4Osxsave, st.booleans()),
    *(
        st.builds(kind, rfbm, st.sampled_from(OPERANDS), st.booleans())
        for kind in (op.Xsave, op.Xsaveopt, op.Xsavec, op.Xsaves, op.Xrstor, op.Xrstors)
    ),
)


SOURCES = {op.ExternalInterrupt: Bench.irq, op.Nmi: Program("nmi"), op.MachineCheck: Program("mce")}


def next_message(cpu, drawn):
    """What is drawn, or what keeps the sequence going: handlers end by IRET, nobody returns from nothing, or names
    a register that his mode does not have."""
    in_handler = cpu.cpu.top.kind in HANDLERS
    if in_handler and isinstance(drawn, op.ExternalInterrupt | op.Nop | op.Cli):
        return op.Iret()
    if isinstance(drawn, op.Iret) and not cpu.cpu.top.saved:
        return op.Nop()
    if not cpu.cpu.top.ring.long_mode and getattr(drawn, "register", 0) > 7:
        return op.Nop()
    return drawn


@settings(max_examples=150, deadline=None)
@given(
    drawn=st.lists(st.tuples(instructions, st.integers(0, 3)), max_size=25),
    xfd_err=st.sampled_from(["load", "accumulate"]),
    xfd_set=st.sampled_from(["implied", "keep", "undefined"]),
    tracking=st.sampled_from(["recorded", "recorded", "by_value", "architectural"]),
    arm=st.booleans(),
)
def test_after_any_sequence_the_footprints_held_the_answers_were_alike_and_xinuse_tells_the_truth(
    bench, drawn, xfd_err, xfd_set, tracking, arm
):
    cpu = bench("mail_2021", xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    if arm:
        area = op.MsrArea((op.MsrEntry(Msr.XFD, TILEDATA), op.MsrEntry(Msr.XFD_ERR, 0)))
        cpu.cells |= {cpu.vmx.guest_msrs: area, cpu.vmx.host_msrs: area}
    cpu.cells |= {source.placement: Placement(0) for source in SOURCES.values()}
    for one, which in drawn:
        message = next_message(cpu, one)
        sender = SOURCES.get(type(message), cpu.cpu.top.program)
        if tracking == "architectural" and getattr(message, "rfbm", 0) == 2**64 - 1:
            continue  # more outcomes than a step may have
        outcomes = cpu.outcomes(message, sender)  # checks the footprint, and asks twice
        if outcomes:
            cpu.cells.update(outcomes[which % len(outcomes)].writes)
        for component, content in cpu.x.items():
            assert not is_initial(component, content)
            assert cpu.x.in_use >> component & 1
            assert len(content) == cpu.processor.model.description.size(component)
        assert (cpu.x.xfd | cpu.x.xfd_err) & ~cpu.processor.model.xfd_capable == 0
        kinds = [frame.kind for frame in cpu.cpu.frames]
        assert Kind.GUEST not in kinds[:-1]
        assert max(map(kinds.count, HANDLERS)) <= 1
        assert Kind.NMI in kinds or not cpu.cpu.nmi_blocked
        assert cpu.cpu.interrupt_flag or not cpu.cpu.sti_shadow
