"""VM-entry and VM-exit: CR0.TS, IF and the context switch; XCR0, XSS, XFD and XFD_ERR stay, unless the MSR areas take them."""

import msgspec
import pytest

from actors.machine.model import PRESETS, TILEDATA, cpu_model
from actors.machine.state import Kind, Placement, Ring, cpu_cell
from actors.machine.vmx import VmxAbort, load_area, store_area
from actors.machine.xstate.registers import XState
from actors.runtime import RETRY
from protocol import instructions as op
from protocol.instructions import MsrArea, MsrEntry
from protocol.registers import ExitReason, Msr, Vector
from protocol.replies import Done, Fault, Value, VmExit

ENTER = op.Vmenter("vcpu")
SWAP = MsrArea((MsrEntry(Msr.XFD, TILEDATA), MsrEntry(Msr.XFD_ERR, TILEDATA)))
CLEAN = MsrArea((MsrEntry(Msr.XFD, 0), MsrEntry(Msr.XFD_ERR, 0)))


def interrupted(cpu):
    """Leave the guest by an external interrupt."""
    assert cpu.do(op.ExternalInterrupt(), cpu.irq) is RETRY
    return cpu


def test_an_entry_puts_the_guest_on_top_and_on_this_cpu_and_keeps_the_host_below(bench):
    cpu = bench()
    below = cpu.cpu.top
    assert cpu.do(ENTER) == Done()
    assert (cpu.cpu.top.program, cpu.cpu.top.kind, cpu.cpu.in_guest) == (cpu.guest, Kind.GUEST, True)
    assert cpu.cpu.frames[0] == below
    assert cpu.cells[cpu.guest.placement] == Placement(0)


def test_the_host_does_nothing_while_its_guest_runs_and_the_other_way_round(bench):
    cpu = bench()
    assert not cpu.enabled(op.Nop(), cpu.guest)
    cpu.do(ENTER)
    assert cpu.enabled(op.Nop(), cpu.guest)
    assert not cpu.enabled(op.Vmread("vcpu"), cpu.task)
    interrupted(cpu)
    assert not cpu.enabled(op.Nop(), cpu.guest)
    assert cpu.enabled(op.Vmread("vcpu"), cpu.task)


@pytest.mark.parametrize("guest_if", [False, True])
@pytest.mark.parametrize("guest_ts", [False, True])
@pytest.mark.parametrize("host_ts", [False, True])
def test_cr0_ts_and_if_switch_with_the_vmcs_and_the_host_gets_if_0(bench, guest_if, guest_ts, host_ts):
    cpu = bench().set(cr0_ts=host_ts, interrupt_flag=True)
    cpu.cells[cpu.vmx.vmcs] = msgspec.structs.replace(cpu.vmcs, interrupt_flag=guest_if, cr0_ts=guest_ts)
    cpu.do(ENTER)
    assert (cpu.cpu.interrupt_flag, cpu.cpu.cr0_ts) == (guest_if, guest_ts)
    interrupted(cpu)
    assert (cpu.cpu.interrupt_flag, cpu.cpu.cr0_ts) == (False, host_ts)
    assert (cpu.vmcs.interrupt_flag, cpu.vmcs.cr0_ts) == (guest_if, guest_ts)


def test_what_the_guest_changes_of_them_is_kept_for_its_next_entry(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.do(op.Cli())
    cpu.do(op.MovCr0Ts(ts=True))
    interrupted(cpu)
    assert not cpu.cpu.cr0_ts
    cpu.set(pending=()).do(ENTER)
    assert (cpu.cpu.interrupt_flag, cpu.cpu.cr0_ts) == (False, True)


def test_extended_state_does_not_switch_by_itself(bench):
    cpu = bench().set_x(xfd=TILEDATA, xfd_err=TILEDATA, xcr0=0x600E3)
    host = cpu.x
    cpu.do(ENTER)
    assert cpu.x == host
    cpu.do(op.Wrmsr(Msr.XFD, 0))
    cpu.do(op.Wrmsr(Msr.XFD_ERR, 0))
    guest = cpu.x
    interrupted(cpu)
    assert cpu.x == guest


def test_a_guests_nm_is_its_own_and_leaves_its_bit_on_the_cpu_at_an_exit(bench):
    cpu = bench().set_x(xfd=TILEDATA)
    cpu.do(ENTER)
    cpu.do(op.Ldtilecfg(b"\1" + bytes(15) + b"\x40" + bytes(31) + b"\x10" + bytes(15)))
    assert cpu.do(op.Tilezero(0)) == Fault(Vector.NM)
    assert cpu.cpu.in_guest
    interrupted(cpu)
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR), cpu.task) == Value(TILEDATA)
    assert cpu.vmcs.frame.ring is Ring.KERNEL
    assert not cpu.vmcs.interrupt_flag, "the guest's own handler has not run yet"


def test_the_areas_switch_msrs_in_the_step_of_the_entry_and_of_the_exit(bench):
    cpu = bench()
    cpu.cells[cpu.vmx.guest_msrs] = SWAP
    cpu.cells[cpu.vmx.host_msrs] = CLEAN
    cpu.do(ENTER)
    assert (cpu.x.xfd, cpu.x.xfd_err) == (TILEDATA, TILEDATA)
    cpu.do(op.Wrmsr(Msr.XFD_ERR, 0))
    interrupted(cpu)
    assert (cpu.x.xfd, cpu.x.xfd_err) == (0, 0)
    assert cpu.cells[cpu.vmx.guest_msrs] == MsrArea((MsrEntry(Msr.XFD, TILEDATA), MsrEntry(Msr.XFD_ERR, 0)))
    assert cpu.cells[cpu.vmx.host_msrs] == CLEAN, "what is loaded at the exit is not stored there"


def test_the_values_loaded_are_those_that_stand_in_memory_then(bench):
    cpu = bench()
    cpu.cells[cpu.vmx.host_msrs] = CLEAN
    cpu.do(ENTER)
    cpu.cells[cpu.vmx.host_msrs] = SWAP
    interrupted(cpu)
    assert (cpu.x.xfd, cpu.x.xfd_err) == (TILEDATA, TILEDATA)


def test_an_area_is_walked_in_list_order():
    model = PRESETS["sapphire_rapids"]
    first, last = MsrEntry(Msr.XFD, TILEDATA), MsrEntry(Msr.XFD, 0)
    assert load_area(XState(), MsrArea((first, last)), model)[0][1].xfd == 0
    assert load_area(XState(), MsrArea((last, first)), model)[0][1].xfd == TILEDATA


def test_an_area_that_sets_xfd_over_live_tiles_may_lose_them_as_wrmsr_may():
    live = XState(xcr0=0x600E7).loaded(18, b"\1" * 8192)
    model = cpu_model("sapphire_rapids", xfd_set="undefined")
    ways = dict(load_area(live, MsrArea((MsrEntry(Msr.XFD_ERR, 0), MsrEntry(Msr.XFD, TILEDATA))), model))
    assert sorted(ways) == ["init 18", "keep"]
    assert ways["init 18"].in_use == 0


def test_both_ways_of_an_exit_that_may_lose_tiles_leave_the_guest(bench):
    cpu = bench(xfd_set="undefined")
    cpu.cells[cpu.vmx.host_msrs] = MsrArea((MsrEntry(Msr.XFD, TILEDATA),))
    cpu.do(ENTER)
    cpu.set(x=cpu.x.loaded(18, b"\1" * 8192))
    outcomes = cpu.outcomes(op.ExternalInterrupt(), cpu.irq)
    assert sorted(outcome.label for outcome in outcomes) == ["VM-exit init 18", "VM-exit keep"]


def test_storing_reads_the_registers_of_the_list_and_no_others():
    state, model = XState(xfd=TILEDATA, xfd_err=TILEDATA), PRESETS["sapphire_rapids"]
    area = store_area(state, MsrArea((MsrEntry(Msr.XFD_ERR, 0),)), model)
    assert area == MsrArea((MsrEntry(Msr.XFD_ERR, TILEDATA),))


def test_an_entry_whose_list_holds_a_refused_value_fails_and_has_loaded_nothing(bench):
    cpu = bench()
    cpu.cells[cpu.vmx.guest_msrs] = MsrArea((MsrEntry(Msr.XFD, TILEDATA), MsrEntry(Msr.XFD_ERR, 1)))
    before = cpu.cpu
    assert cpu.do(ENTER) == Done()
    assert cpu.cpu == before
    assert cpu.cells[cpu.guest.placement] == Placement()
    assert cpu.do(op.Vmread("vcpu")) == VmExit(ExitReason.ENTRY_FAILURE_MSR_LOADING)


def test_an_exit_whose_list_holds_a_refused_value_is_an_abort(bench):
    cpu = bench()
    cpu.cells[cpu.vmx.host_msrs] = MsrArea((MsrEntry(Msr.XFD, 1),))
    cpu.do(ENTER)
    with pytest.raises(RuntimeError, match="VMX abort: the VM-exit MSR-load area of vcpu"):
        cpu.outcomes(op.ExternalInterrupt(), cpu.irq)


def test_the_reason_of_the_last_exit_is_read_from_the_vmcs(bench):
    cpu = bench()
    cpu.do(ENTER)
    assert cpu.vmcs.exit is None
    interrupted(cpu)
    assert cpu.do(op.Vmread("vcpu")) == VmExit(ExitReason.EXTERNAL_INTERRUPT)


def test_hlt_leaves_the_guest_behind_itself(bench):
    cpu = bench()
    cpu.do(ENTER)
    assert cpu.do(op.Hlt()) == Done(), "it has retired"
    assert not cpu.cpu.in_guest
    assert cpu.do(op.Vmread("vcpu")) == VmExit(ExitReason.HLT)
    cpu.do(ENTER)
    assert cpu.do(op.Nop()) == Done()


def test_xsetbv_always_exits_and_retires_when_the_hypervisor_has_completed_it(bench):
    cpu = bench()
    cpu.do(ENTER)
    before = cpu.x
    assert cpu.retries(op.Xsetbv(0b11))
    assert cpu.x == before, "the hypervisor decides"
    assert cpu.do(op.Vmread("vcpu")) == VmExit(ExitReason.XSETBV, 0, 0b11)
    assert cpu.do(op.Vmwrite("vcpu")) == Done()
    cpu.do(ENTER)
    assert cpu.do(op.Xsetbv(0b11)) == Done()
    assert cpu.cpu.in_guest
    assert cpu.retries(op.Xsetbv(0b111)), "the next one exits again"


def test_a_completed_instruction_has_the_result_that_was_written(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.do(op.Xsetbv(0b11))
    cpu.do(op.Vmwrite("vcpu", 5))
    cpu.do(ENTER)
    assert cpu.do(op.Xsetbv(0b11)) == Value(5)


def test_an_exit_before_the_guest_has_taken_the_result_does_not_lose_it(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.do(op.Xsetbv(0b11))
    cpu.do(op.Vmwrite("vcpu", 5))
    cpu.do(ENTER)
    interrupted(cpu).set(pending=())
    cpu.do(ENTER)
    assert cpu.do(op.Xsetbv(0b11)) == Value(5), "the hypervisor is not asked twice"


def test_an_uncompleted_xsetbv_exits_again(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.do(op.Xsetbv(0b11))
    cpu.do(ENTER)
    assert cpu.retries(op.Xsetbv(0b11))


@pytest.mark.parametrize(
    "message", [ENTER, op.Vmread("vcpu"), op.Vmwrite("vcpu"), op.SwitchTo(op.Program("irq"))]
)
def test_a_guest_has_no_vmx_and_cannot_switch_the_hosts_tasks(bench, message):
    cpu = bench()
    cpu.do(ENTER)
    assert cpu.do(message) == Fault(Vector.UD)
    assert cpu.cpu.in_guest


def test_an_interrupts_handler_does_not_enter_guests(bench):
    cpu = bench()
    cpu.do(op.ExternalInterrupt(), cpu.irq)
    assert cpu.do(ENTER, cpu.irq) == Fault(Vector.UD)


def test_a_vcpu_entered_on_another_cpu_takes_its_context_along_and_leaves_its_xfd_err(bench):
    cpu = bench().set_x(xfd_err=TILEDATA)
    cpu.do(ENTER)
    cpu.do(op.Cli())
    interrupted(cpu)
    other = bench()
    other.cells |= {cell: cpu.cells[cell] for cell in (cpu.vmx.vmcs, cpu.guest.placement)}
    other.do(ENTER)
    assert not other.cpu.interrupt_flag
    assert other.do(op.Rdmsr(Msr.XFD_ERR)) == Value(0)


@pytest.mark.parametrize("guest", [False, True])
@pytest.mark.parametrize("host", [False, True])
def test_cr4_osxsave_switches_with_the_vmcs(bench, guest, host):
    cpu = bench().set(cr4_osxsave=host)
    cpu.cells[cpu.vmx.vmcs] = msgspec.structs.replace(cpu.vmcs, cr4_osxsave=guest)
    cpu.do(ENTER)
    assert cpu.cpu.cr4_osxsave == guest
    cpu.do(op.MovCr4Osxsave(osxsave=not guest))
    interrupted(cpu)
    assert (cpu.cpu.cr4_osxsave, cpu.vmcs.cr4_osxsave) == (host, not guest)


def test_what_the_host_keeps_while_a_guest_runs_makes_no_states_of_its_own_afterwards(bench):
    cpu = bench().set(cr0_ts=True, cr4_osxsave=False, interrupt_flag=False)
    before = cpu.cpu
    cpu.do(ENTER)
    interrupted(cpu).set(pending=())
    assert cpu.cpu == before


def test_one_vcpu_cannot_be_entered_by_two_threads_at_once(bench):
    first, second = bench(), bench()
    first.do(ENTER)
    second.processor = first.processor
    shared = {cell: first.cells[cell] for cell in (first.vmx.vmcs, first.guest.placement)}
    second.cells |= shared | {cpu_cell(1): second.cpu, second.task.placement: Placement(1)}
    with pytest.raises(
        RuntimeError, match="task enters vcpu on CPU 1, and it runs on CPU 0: its VMCS is active there"
    ):
        second.outcomes(ENTER, second.task)
    interrupted(first)
    second.cells[first.vmx.vmcs] = first.vmcs
    assert second.do(ENTER, second.task) == Done()
    assert second.vmcs.active == 1


def test_storing_an_msr_that_rdmsr_refuses_is_an_abort_and_not_a_zero(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.cells[cpu.vmx.guest_msrs] = MsrArea((MsrEntry(0x10, 0),))
    with pytest.raises(VmxAbort, match="MSR-store area names MSR 0x10, which RDMSR refuses"):
        cpu.outcomes(op.ExternalInterrupt(), cpu.irq)


def test_an_entry_whose_list_names_an_unknown_msr_fails(bench):
    cpu = bench()
    cpu.cells[cpu.vmx.guest_msrs] = MsrArea((MsrEntry(0x10, 0),))
    cpu.do(ENTER)
    assert not cpu.cpu.in_guest
    assert cpu.vmcs.active is None
    assert cpu.do(op.Vmread("vcpu")) == VmExit(ExitReason.ENTRY_FAILURE_MSR_LOADING)


def test_cet_msrs_can_stand_in_the_areas(bench):
    cpu = bench()
    cpu.cells[cpu.vmx.guest_msrs] = MsrArea((MsrEntry(Msr.PL3_SSP, 0x1000),))
    cpu.cells[cpu.vmx.host_msrs] = MsrArea((MsrEntry(Msr.PL3_SSP, 0x2000),))
    cpu.do(ENTER)
    cpu.do(op.Wrmsr(Msr.PL3_SSP, 0x3000))
    interrupted(cpu)
    assert cpu.do(op.Rdmsr(Msr.PL3_SSP)) == Value(0x2000)
    assert cpu.cells[cpu.vmx.guest_msrs] == MsrArea((MsrEntry(Msr.PL3_SSP, 0x3000),))
