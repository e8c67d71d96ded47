"""NMIs and machine checks: whatever IF is, between any two instructions, and out of guests."""

import pytest

from actors.machine.describe import describe
from actors.machine.state import Frame, Kind, Placement, Ring, Saved
from actors.runtime import RETRY
from protocol import instructions as op
from protocol.handles import Program
from protocol.registers import ExitReason, Vector, Work
from protocol.replies import Done, Interrupted, Value, VmExit

ENTER = op.Vmenter("vcpu")
NMI, MC = Program("nmi"), Program("mce")
EVENTS = [
    pytest.param(op.Nmi(), NMI, Kind.NMI, Vector.NMI, id="nmi"),
    pytest.param(op.MachineCheck(), MC, Kind.MCE, Vector.MC, id="mc"),
]
events = pytest.mark.parametrize(("event", "source", "kind", "vector"), EVENTS)


def sources(cpu):
    """Wire two sources of NMIs and one of machine checks to the CPU."""
    for source in (NMI, MC, Program("nmi2"), Program("mce2")):
        cpu.cells[source.placement] = Placement(0)
    return cpu


@events
@pytest.mark.parametrize("ring", list(Ring))
@pytest.mark.parametrize("interrupt_flag", [False, True])
def test_it_is_taken_whatever_if_is_and_tells_the_privilege_level(
    bench, event, source, kind, vector, ring, interrupt_flag
):
    cpu = sources(bench(ring=ring)).set(interrupt_flag=interrupt_flag)
    before = cpu.cpu
    assert cpu.do(event, source) == Value(ring.cpl)
    handler = Frame(source, kind, Ring.KERNEL, (Saved(ring, interrupt_flag),))
    assert cpu.cpu.frames == (*before.frames, handler)
    assert not cpu.cpu.interrupt_flag
    assert not cpu.enabled(op.Nop(), cpu.task)
    cpu.do(op.Iret(), source)
    assert cpu.cpu == before


@events
def test_it_comes_in_the_shadow_of_sti_and_the_shadow_is_over_then(bench, event, source, kind, vector):
    cpu = sources(bench())
    cpu.do(op.Cli())
    cpu.do(op.Sti())
    assert not cpu.enabled(op.ExternalInterrupt(), cpu.irq)
    cpu.do(event, source)
    cpu.do(op.Iret(), source)
    assert cpu.enabled(op.ExternalInterrupt(), cpu.irq)


@events
def test_it_interrupts_a_hard_interrupts_handler(bench, event, source, kind, vector):
    cpu = sources(bench())
    cpu.do(op.ExternalInterrupt(), cpu.irq)
    assert cpu.do(event, source) == Value(0)
    assert not cpu.enabled(op.Iret(), cpu.irq)
    cpu.do(op.Iret(), source)
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.enabled(op.Nop(), cpu.task)


def test_a_second_nmi_waits_for_iret(bench):
    cpu = sources(bench())
    other = Program("nmi2")
    cpu.do(op.Nmi(), NMI)
    assert not cpu.enabled(op.Nmi(), other)
    cpu.do(op.Iret(), NMI)
    assert cpu.do(op.Nmi(), other) == Value(0)


def test_the_iret_of_an_exception_in_the_handler_unblocks_nmis_too(bench):
    cpu = sources(bench())
    cpu.do(op.Nmi(), NMI)
    cpu.do(op.Rdmsr(0x10), NMI)
    assert not cpu.enabled(op.Nmi(), Program("nmi2"))
    cpu.do(op.Iret(), NMI)
    assert cpu.cpu.top.kind is Kind.NMI, "still in the handler"
    assert cpu.do(op.Nmi(), Program("nmi2")) == Value(0)


def test_nmis_and_machine_checks_interrupt_each_other_but_a_machine_check_no_machine_check(bench):
    cpu = sources(bench())
    cpu.do(op.Nmi(), NMI)
    cpu.do(op.MachineCheck(), MC)
    assert not cpu.enabled(op.MachineCheck(), Program("mce2"))
    cpu.do(op.Iret(), MC)
    cpu.do(op.Iret(), NMI)
    cpu.do(op.MachineCheck(), MC)
    assert cpu.enabled(op.Nmi(), NMI)


def test_no_interrupt_comes_into_the_handler(bench):
    cpu = sources(bench())
    cpu.do(op.Nmi(), NMI)
    assert not cpu.enabled(op.ExternalInterrupt(), cpu.irq)


def test_work_that_a_machine_check_leaves_is_done_first(bench):
    cpu = sources(bench(ring=Ring.USER))
    cpu.do(op.MachineCheck(), MC)
    cpu.do(op.Iret(Work.EXIT_TO_USER), MC)
    assert cpu.do(op.Nop()) == Interrupted(Work.EXIT_TO_USER)
    assert cpu.cpu.top.ring is Ring.KERNEL


# In guest mode.


@events
@pytest.mark.parametrize("guest_if", [False, True])
def test_a_guest_is_left_for_it_and_it_comes_before_the_hosts_next_instruction(
    bench, event, source, kind, vector, guest_if
):
    cpu = sources(bench())
    cpu.do(op.Cli())
    cpu.do(ENTER)
    cpu.set(interrupt_flag=guest_if)
    assert cpu.do(event, source) is RETRY
    assert cpu.vmcs.exit == VmExit(ExitReason.EXCEPTION_OR_NMI, vector=vector)
    assert not cpu.cpu.in_guest
    assert not cpu.enabled(op.Vmread("vcpu"), cpu.task)
    for other, sender in ((op.Nmi(), Program("nmi2")), (op.ExternalInterrupt(), cpu.irq)):
        assert not cpu.enabled(other, sender)
    assert cpu.do(event, source) == Value(0)
    assert cpu.cpu.pending_nmi is None
    cpu.do(op.Iret(), source)
    assert cpu.do(op.Vmread("vcpu")) == cpu.vmcs.exit


def test_an_interrupt_that_is_pending_waits_until_the_nmi_has_been_served(bench):
    cpu = sources(bench())
    cpu.do(ENTER)
    cpu.do(op.ExternalInterrupt(), cpu.irq)
    cpu.do(op.Nmi(), NMI)
    cpu.do(op.Iret(), NMI)
    cpu.do(op.Sti())
    cpu.do(op.Nop())
    assert not cpu.enabled(op.Nop())
    assert cpu.do(op.ExternalInterrupt(), cpu.irq) == Value(0)


def test_a_guest_is_left_with_its_exception_still_to_come(bench):
    cpu = sources(bench())
    cpu.do(op.Vminject("vcpu", Vector.NM))
    cpu.do(ENTER)
    cpu.do(op.Nmi(), NMI)
    assert cpu.vmcs.frame.event is not None


# A CPU that stops, and is reset.


def stopped(bench):
    """Stop the CPU; what will boot it is its only context."""
    cpu = sources(bench(ring=Ring.KERNEL).set_x(xfd=1 << 18, xss=1 << 11))
    boot = Frame(Program("boot"), Kind.BOOT)
    cpu.cells[boot.program.placement] = Placement(None, boot)
    cpu.do(op.Cli())
    leaving = cpu.cpu.top
    assert cpu.do(op.PlayDead(boot.program)) == Done()
    return cpu, boot, leaving


def test_a_cpu_that_has_stopped_is_reached_by_nothing(bench):
    cpu, boot, leaving = stopped(bench)
    assert cpu.cpu.frames == (boot,)
    assert cpu.cells[cpu.task.placement] == Placement(None, leaving)
    for message, sender in ((op.Nmi(), NMI), (op.MachineCheck(), MC), (op.ExternalInterrupt(), cpu.irq)):
        assert not cpu.enabled(message, sender)
    assert not cpu.enabled(op.Nop(), cpu.task)


def test_a_reset_puts_registers_at_their_power_up_values_and_leaves_memory_alone(bench):
    cpu, boot, leaving = stopped(bench)
    memory = {cell: value for cell, value in cpu.cells.items() if cell.name != "cpu0"}
    cpu.do(op.Reset())
    assert {cell: value for cell, value in cpu.cells.items() if cell.name != "cpu0"} == memory
    assert (cpu.x.xcr0, cpu.x.xss, cpu.x.xfd, cpu.x.xfd_err, cpu.x.in_use) == (1, 0, 0, 0, 0)
    assert (cpu.cpu.interrupt_flag, cpu.cpu.cr0_ts, cpu.cpu.cr4_osxsave) == (False, False, False)
    assert not cpu.enabled(op.Nmi(), NMI), "there is nobody to handle it yet"
    cpu.do(op.MovCr4Osxsave(osxsave=True))
    cpu.do(op.SwitchTo(cpu.task))
    assert cpu.cpu.frames == (leaving,)
    assert cpu.cells[boot.program.placement] == Placement(None, boot)
    assert cpu.enabled(op.Nmi(), NMI)


def test_a_cpu_is_not_stopped_with_interrupts_on_nor_reset_while_it_runs(bench):
    cpu = bench()
    cpu.cells[Program("boot").placement] = Placement(None, Frame(Program("boot"), Kind.BOOT))
    with pytest.raises(RuntimeError, match="task stops CPU 0 with interrupts on"):
        cpu.do(op.PlayDead(Program("boot")))
    with pytest.raises(RuntimeError, match="task resets CPU 0, which has not stopped"):
        cpu.do(op.Reset())


@pytest.mark.parametrize("message", [op.PlayDead(Program("boot")), op.Reset()])
def test_user_mode_does_neither(bench, message):
    cpu = bench(ring=Ring.USER)
    cpu.cells[Program("boot").placement] = Placement(None, Frame(Program("boot"), Kind.BOOT))
    assert cpu.do(message).vector is Vector.GP


# One CPU's request of another.


def test_an_ipi_comes_when_its_bit_is_set_and_the_delivery_clears_it(bench):
    cpu = bench()
    arrives = op.ExternalInterrupt(0xFB, cpu.word)
    cpu.cells[cpu.word] = False
    assert not cpu.enabled(arrives, cpu.irq)
    cpu.cells[cpu.word] = True
    cpu.do(op.Cli())
    assert not cpu.enabled(arrives, cpu.irq)
    cpu.set(interrupt_flag=True)
    assert cpu.do(arrives, cpu.irq) == Value(0)
    assert cpu.cells[cpu.word] is False


def test_an_ipi_that_leaves_a_guest_is_not_acknowledged_by_that(bench):
    cpu = bench()
    arrives = op.ExternalInterrupt(0xFB, cpu.word)
    cpu.cells[cpu.word] = True
    cpu.do(ENTER)
    assert cpu.retries(arrives, cpu.irq)
    assert cpu.cells[cpu.word] is True
    cpu.set(interrupt_flag=True)
    cpu.do(arrives, cpu.irq)
    assert cpu.cells[cpu.word] is False


@pytest.mark.parametrize("interrupt_flag", [False, True])
def test_pushf_reads_if(bench, interrupt_flag):
    cpu = bench(ring=Ring.USER).set(interrupt_flag=interrupt_flag)
    assert cpu.do(op.Pushf()) == Value(interrupt_flag << 9)


def test_they_read_as_in_a_listing():
    texts = (op.Nmi(), op.MachineCheck(), op.PlayDead(NMI), op.Reset(), op.ExternalInterrupt(0xFB, NMI.life))
    assert [describe(one) for one in texts] == ["NMI", "#MC", "mwait, and is dead", "reset", "IPI 0xfb"]


@events
def test_its_gate_is_open_wherever_it_can_come(bench, event, source, kind, vector):
    cpu = sources(bench())

    def both():
        return cpu.processor.gate(source, event).is_open(cpu.cells.__getitem__), cpu.enabled(event, source)

    for flag in (True, False):
        cpu.set(interrupt_flag=flag)
        assert both() == (True, True)
    cpu.do(op.Nmi(), Program("nmi2"))
    assert both() == ((False, False) if kind is Kind.NMI else (True, True))
    down, *_ = stopped(bench)
    assert not down.processor.gate(source, event).is_open(down.cells.__getitem__)
