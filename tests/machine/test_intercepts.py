"""What leaves a guest: MSRs, XSETBV, XSAVES and XRSTORS, exceptions; what comes first; and how the guest goes on."""

import msgspec
import pytest

from actors.machine.model import TILEDATA
from actors.machine.state import Placement, Ring, Saved
from actors.machine.xstate.tiles import config
from protocol import instructions as op
from protocol.handles import Cell
from protocol.instructions import Controls, MsrArea, MsrEntry
from protocol.registers import ExitReason, Msr, Vector
from protocol.replies import Data, Done, Fault, PageFault, Value, VmExit

ENTER = op.Vmenter("vcpu")
READ = op.Vmread("vcpu")
AREA = Cell("area")
CET_U, CET_S = 1 << 11, 1 << 12
TILES = 3 << 17
GP, UD, NM = Fault(Vector.GP, 0), Fault(Vector.UD), Fault(Vector.NM)


def entered(cpu, **controls):
    """Let the guest run under these controls."""
    assert cpu.do(op.Vmcontrol("vcpu", Controls(**controls))) == Done()
    assert cpu.do(ENTER) == Done()
    return cpu


def at_user(cpu):
    """Put the guest's program into user mode."""
    top = msgspec.structs.replace(cpu.cpu.top, ring=Ring.USER)
    return cpu.set(frames=(*cpu.cpu.frames[:-1], top))


# By default nothing exits.


@pytest.mark.parametrize(
    "message",
    [
        op.Rdmsr(Msr.XFD_ERR),
        op.Wrmsr(Msr.XFD, TILEDATA),
        op.Xsaves(TILES | CET_U, AREA),
        op.Xrstors(TILES | CET_U, AREA),
        op.Tilezero(0),
        op.Rdmsr(0x10),
    ],
    ids=lambda one: type(one).__name__,
)
def test_by_default_an_instruction_does_in_a_guest_what_it_does_on_the_host(bench, message):
    guest = entered(bench().set_x(xfd=TILEDATA, xss=CET_U))
    host = bench().set_x(xfd=TILEDATA, xss=CET_U)
    assert guest.do(message) == host.do(message)
    assert guest.cpu.in_guest
    assert guest.cells[AREA] == host.cells[AREA]
    assert (guest.x.xfd, guest.x.contents) == (host.x.xfd, host.x.contents)


def test_a_guests_restore_is_remembered_as_one_in_non_root_operation(bench):
    guest = entered(bench())
    guest.do(op.Xrstors(0, AREA))
    assert guest.x.xrstor_info.non_root
    guest.retries(op.ExternalInterrupt(), guest.irq)
    guest.cells[AREA] = op.XsaveArea(0, 1 << 63)
    guest.do(op.Xrstors(0, AREA))
    assert not guest.x.xrstor_info.non_root


# The MSR bitmap.


def test_an_msr_in_the_bitmap_exits_with_its_address_and_value_and_others_do_not(bench):
    cpu = entered(bench(), rdmsr_exiting=(Msr.XFD_ERR,), wrmsr_exiting=(Msr.XFD,))
    assert cpu.do(op.Rdmsr(Msr.XFD)) == Value(0)
    assert cpu.do(op.Wrmsr(Msr.XFD_ERR, 0)) == Done()
    before = cpu.x
    assert cpu.retries(op.Wrmsr(Msr.XFD, TILEDATA))
    assert cpu.x == before, "it has not executed"
    assert cpu.do(READ) == VmExit(ExitReason.WRMSR, Msr.XFD, TILEDATA)
    cpu.do(op.Vmwrite("vcpu"))
    cpu.do(ENTER)
    assert cpu.do(op.Wrmsr(Msr.XFD, TILEDATA)) == Done()
    assert cpu.x == before, "the hypervisor has done it, or has not"
    assert cpu.retries(op.Rdmsr(Msr.XFD_ERR))
    assert cpu.do(READ) == VmExit(ExitReason.RDMSR, Msr.XFD_ERR)
    cpu.do(op.Vmwrite("vcpu", 7))
    cpu.do(ENTER)
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR)) == Value(7)


def test_privilege_comes_before_the_exit_and_everything_else_behind_it(bench):
    cpu = at_user(entered(bench(), rdmsr_exiting=(0x10,)))
    assert cpu.do(op.Rdmsr(0x10)) == Fault(Vector.GP, 0, 3)
    assert cpu.cpu.in_guest
    cpu.do(op.Iret())
    cpu.set(frames=(cpu.cpu.frames[0], msgspec.structs.replace(cpu.cpu.top, ring=Ring.KERNEL)))
    assert cpu.retries(op.Rdmsr(0x10)), "an MSR that does not exist is the hypervisor's affair"


def test_what_the_hypervisor_completed_is_not_lost_when_it_lifts_the_intercept(bench):
    cpu = entered(bench(), wrmsr_exiting=(Msr.XFD,))
    assert cpu.retries(op.Wrmsr(Msr.XFD, TILEDATA))
    cpu.do(op.Vmwrite("vcpu"))
    cpu = entered(cpu)
    assert cpu.do(op.Wrmsr(Msr.XFD, TILEDATA)) == Done()
    assert cpu.x.xfd == 0, "completed by the hypervisor: it does not execute again"
    assert not cpu.vmcs.completed
    assert cpu.do(op.Wrmsr(Msr.XFD, TILEDATA)) == Done()
    assert cpu.x.xfd == TILEDATA


@pytest.mark.parametrize("message", [op.Rdmsr, lambda index: op.Wrmsr(index, 7)], ids=["rdmsr", "wrmsr"])
@pytest.mark.parametrize(
    ("index", "exits"),
    [
        (0x1FFF, False),
        (0x2000, True),
        (0x4000_0000, True),
        (0xBFFF_FFFF, True),
        (0xC000_0000, False),
        (0xC000_1FFF, False),
        (0xC000_2000, True),
        (0xFFFF_FFFF, True),
    ],
)
def test_an_address_that_the_bitmaps_do_not_cover_exits_always(bench, message, index, exits):
    cpu = entered(bench())
    if exits:
        assert cpu.retries(message(index))
        assert cpu.do(READ).qualification == index
    else:
        assert cpu.do(message(index)) == GP
        assert cpu.cpu.in_guest


def test_rdmsr_and_wrmsr_ignore_the_upper_half_of_rcx_on_the_host_and_in_the_bitmaps(bench):
    high = 0xABCD << 32
    cpu = bench()
    assert cpu.do(op.Wrmsr(high | Msr.XFD, TILEDATA)) == Done()
    assert cpu.do(op.Rdmsr(high | Msr.XFD)) == cpu.do(op.Rdmsr(Msr.XFD)) == Value(TILEDATA)
    entered(cpu, rdmsr_exiting=(Msr.XFD,), wrmsr_exiting=(Msr.XFD,))
    assert cpu.retries(op.Rdmsr(high | Msr.XFD))
    assert cpu.do(READ) == VmExit(ExitReason.RDMSR, Msr.XFD)
    cpu.do(op.Vmwrite("vcpu", 0))
    cpu.do(ENTER)
    cpu.do(op.Rdmsr(high | Msr.XFD))
    assert cpu.retries(op.Wrmsr(high | Msr.XFD, 7))
    assert cpu.do(READ) == VmExit(ExitReason.WRMSR, Msr.XFD, 7)


# XSETBV.


@pytest.mark.parametrize(("ecx", "told"), [(0, 0), (1, 1), (1 << 32, 0), (1 << 32 | 5, 5)])
def test_the_exit_of_xsetbv_tells_the_register_and_the_value(bench, ecx, told):
    cpu = entered(bench())
    before = cpu.x
    assert cpu.retries(op.Xsetbv(0b111, ecx))
    assert cpu.do(READ) == VmExit(ExitReason.XSETBV, told, 0b111)
    assert cpu.x == before


def test_xsetbv_in_a_guest_is_undefined_without_osxsave_and_privileged_before_it_exits(bench):
    cpu = entered(bench())
    cpu.do(op.MovCr4Osxsave(osxsave=False))
    assert cpu.do(op.Xsetbv(7)) == UD
    cpu.do(op.Iret())
    cpu.do(op.MovCr4Osxsave(osxsave=True))
    assert at_user(cpu).do(op.Xsetbv(7)) == Fault(Vector.GP, 0, 3)
    assert cpu.cpu.in_guest
    cpu.do(op.Iret())
    cpu.set(frames=(cpu.cpu.frames[0], msgspec.structs.replace(cpu.cpu.top, ring=Ring.KERNEL)))
    assert cpu.retries(op.Xsetbv(0)), "whether the value is legal is the hypervisor's affair"


# XSAVES and XRSTORS.


@pytest.mark.parametrize(
    ("kind", "reason"), [(op.Xsaves, ExitReason.XSAVES), (op.Xrstors, ExitReason.XRSTORS)]
)
@pytest.mark.parametrize(
    ("mask", "xss", "bitmap", "exits"),
    [
        (CET_U, CET_U, CET_U, True),
        (CET_U | CET_S | TILES, CET_U, CET_U | CET_S, True),
        (CET_S, CET_U, CET_U | CET_S, False),
        (CET_U, 0, CET_U, False),
        (CET_U, CET_U, CET_S, False),
        (TILES, CET_U, 2**64 - 1, False),
    ],
)
def test_the_s_forms_exit_where_mask_xss_and_bitmap_have_a_bit_in_common(
    bench, kind, reason, mask, xss, bitmap, exits
):
    cpu = entered(bench().set_x(xss=xss), xss_exiting=bitmap)
    area = cpu.cells[AREA]
    if not exits:
        assert cpu.do(kind(mask, AREA)) == Done()
        assert cpu.cpu.in_guest
        return
    assert cpu.retries(kind(mask, AREA))
    assert cpu.cells[AREA] == area
    assert cpu.do(READ) == VmExit(reason, mask)


@pytest.mark.parametrize("kind", [op.Xsaves, op.Xrstors])
def test_without_the_control_the_s_forms_are_undefined_in_a_guest_alone(bench, kind):
    cpu = entered(bench().set_x(xss=CET_U), enable_xsaves=False, xss_exiting=CET_U)
    assert cpu.set(cr0_ts=True).do(kind(CET_U, AREA)) == UD, "before the exit, and before CR0.TS"
    assert cpu.cpu.in_guest
    assert cpu.set(cr0_ts=False).do(op.Xsavec(1, AREA)) == Done(), "of XSAVEC it says nothing"
    cpu.retries(op.ExternalInterrupt(), cpu.irq)
    assert cpu.do(kind(0, AREA)) == Done()


@pytest.mark.parametrize("kind", [op.Xsaves, op.Xrstors])
def test_cr0_ts_and_privilege_come_before_the_exit_of_the_s_forms_and_a_bad_header_behind_it(bench, kind):
    cpu = entered(bench().set_x(xss=CET_U), xss_exiting=CET_U)
    cpu.cells[AREA] = op.XsaveArea(1 << 40, 0)
    assert cpu.set(cr0_ts=True).do(kind(CET_U, AREA)) == NM
    cpu.do(op.Iret())
    assert at_user(cpu.set(cr0_ts=False)).do(kind(CET_U, AREA)) == Fault(Vector.GP, 0, 3)
    cpu.set(frames=(cpu.cpu.frames[0], msgspec.structs.replace(cpu.cpu.top, ring=Ring.KERNEL)))
    assert cpu.retries(kind(CET_U, AREA))


@pytest.mark.parametrize("kind", [op.Xsaves, op.Xrstors])
def test_a_wrong_encoding_comes_before_the_exit_and_alignment_and_pages_behind_it(bench, kind):
    cpu = entered(bench().set_x(xss=CET_U), xss_exiting=CET_U)
    assert cpu.do(kind(CET_U, op.MemoryOperand(AREA, encoding="lock"))) == UD
    assert cpu.cpu.in_guest
    cpu.do(op.Iret())
    cpu.cells[bench.pages] = op.UNMAPPED
    behind = kind(CET_U, op.MemoryOperand(AREA, bench.pages, 8))
    assert cpu.retries(behind)
    assert cpu.do(READ) == VmExit(ExitReason.XSAVES if kind is op.Xsaves else ExitReason.XRSTORS, CET_U)
    assert entered(cpu, xss_exiting=0).do(behind) == GP


# Exceptions.


def with_a_disabled_tile(cpu):
    cpu.do(op.Ldtilecfg(config(16)))
    cpu.do(op.Tileloadd(0, b"\1"))
    return cpu.set_x(xfd=TILEDATA)


def test_a_guests_nm_stays_in_the_guest_unless_it_is_intercepted(bench):
    cpu = entered(with_a_disabled_tile(bench()))
    assert cpu.do(op.Tilezero(0)) == NM
    assert cpu.cpu.in_guest
    assert cpu.x.xfd_err == TILEDATA


def test_xfd_err_is_written_before_the_exception_bitmap_is_looked_at(bench):
    cpu = entered(with_a_disabled_tile(bench()), exception_bitmap=1 << Vector.NM)
    inside = cpu.cpu.top
    assert cpu.retries(op.Tilezero(0))
    assert not cpu.cpu.in_guest
    assert cpu.do(READ) == VmExit(ExitReason.EXCEPTION_OR_NMI, vector=Vector.NM)
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR)) == Value(TILEDATA), "the guest's bit, for the hypervisor to save"
    assert cpu.vmcs.frame == inside, "nothing has been pushed on the guest's stack"
    assert cpu.vmcs.interrupt_flag


def test_an_intercepted_nm_of_cr0_ts_leaves_xfd_err_alone(bench):
    cpu = entered(with_a_disabled_tile(bench()), exception_bitmap=1 << Vector.NM)
    cpu.do(op.MovCr0Ts(ts=True))
    assert cpu.retries(op.Tilezero(0))
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR)) == Value(0)


def test_other_exceptions_have_bits_of_their_own_and_an_error_code(bench):
    cpu = entered(bench(), exception_bitmap=1 << Vector.GP)
    assert cpu.do(op.Tilezero(0)) == UD, "not configured"
    assert cpu.cpu.in_guest
    cpu.do(op.Iret())
    assert cpu.retries(op.Rdmsr(0x10))
    assert cpu.do(READ) == VmExit(ExitReason.EXCEPTION_OR_NMI, vector=Vector.GP, error_code=0)
    cpu.do(ENTER)
    assert at_user(cpu).retries(op.Cli()), "also of privilege"


def test_a_page_fault_that_leaves_the_guest_has_its_address_in_the_qualification(bench):
    cpu = at_user(entered(bench(), exception_bitmap=1 << Vector.PF))
    cpu.cells[bench.pages] = op.UNMAPPED
    inside = cpu.cpu.top
    assert cpu.retries(op.Xrstor(7, op.MemoryOperand(AREA, bench.pages, 0x7000)))
    assert cpu.do(READ) == VmExit(ExitReason.EXCEPTION_OR_NMI, 0x7000 + 512, vector=Vector.PF, error_code=4)
    assert cpu.vmcs.frame == inside


def test_a_page_fault_stays_in_the_guest_unless_its_bit_is_set(bench):
    cpu = entered(bench(), exception_bitmap=1 << Vector.GP)
    cpu.cells[bench.pages] = op.UNMAPPED
    fault = cpu.do(op.Xsave(7, op.MemoryOperand(AREA, bench.pages)))
    assert fault == PageFault(Vector.PF, 2, 0, 576, AREA), "the last component is probed first"
    assert cpu.cpu.in_guest


def test_an_injected_page_fault_has_the_address_that_the_hypervisor_wrote_into_cr2(bench):
    cpu = at_user(entered(bench(), exception_bitmap=1 << Vector.PF))
    cpu.cells[bench.pages] = op.UNMAPPED
    message = op.Xrstor(7, op.MemoryOperand(AREA, bench.pages, 0x7000))
    assert cpu.retries(message)
    found = cpu.do(READ)
    cpu.do(op.Vminject("vcpu", Vector.PF, found.error_code, found.qualification))
    cpu.do(ENTER)
    assert cpu.do(message) == PageFault(Vector.PF, 4, 3, 0x7000 + 512)
    assert cpu.cpu.in_guest
    cpu.do(op.Store(bench.pages, op.Pages()))
    cpu.do(op.Iret())
    cpu.cells[AREA] = op.XsaveArea()
    assert cpu.do(message) == Done()


def test_the_msr_areas_are_walked_at_such_an_exit_as_at_any(bench):
    cpu = with_a_disabled_tile(bench())
    cpu.cells[cpu.vmx.guest_msrs] = MsrArea((MsrEntry(Msr.XFD, TILEDATA), MsrEntry(Msr.XFD_ERR, 0)))
    cpu.cells[cpu.vmx.host_msrs] = MsrArea((MsrEntry(Msr.XFD, 0), MsrEntry(Msr.XFD_ERR, 0)))
    entered(cpu, exception_bitmap=1 << Vector.NM)
    assert cpu.retries(op.Tilezero(0))
    assert (cpu.x.xfd, cpu.x.xfd_err) == (0, 0)
    assert cpu.cells[cpu.vmx.guest_msrs].entries[1] == MsrEntry(Msr.XFD_ERR, TILEDATA)


def test_each_outcome_of_an_intercepted_fault_leaves_the_guest(bench):
    cpu = bench(tracking="architectural")
    cpu.do(op.Movq(0, 1))
    cpu.do(op.Xsavec(0b10, AREA))
    area = cpu.cells[AREA]
    at = area.offsets.index(24)
    bad = (*area.contents[:at], b"\x80\x1f\1\0\xff\xff\0\0", *area.contents[at + 1 :])
    cpu.cells[AREA] = msgspec.structs.replace(area, contents=bad)
    cpu.do(op.Movq(0, 5))
    entered(cpu, exception_bitmap=1 << Vector.GP)
    outcomes = cpu.outcomes(op.Xrstor(0b10, AREA))
    assert [outcome.label for outcome in outcomes] == ["plain VM-exit", "new 1 VM-exit"]


# Injection.


def test_an_injected_exception_comes_in_place_of_the_guests_instruction_which_is_then_tried_again(bench):
    cpu = entered(with_a_disabled_tile(bench()), exception_bitmap=1 << Vector.NM)
    assert cpu.retries(op.Tilestored(0))
    assert cpu.do(op.Vminject("vcpu", Vector.NM)) == Done()
    cpu.do(ENTER)
    assert cpu.vmcs.event is None, "delivered once"
    assert cpu.do(op.Tilestored(0)) == NM, "injected, and not intercepted again"
    assert cpu.cpu.in_guest
    assert cpu.cpu.top.saved == (Saved(Ring.KERNEL, True),)
    assert not cpu.cpu.interrupt_flag
    assert cpu.do(op.Wrmsr(Msr.XFD, 0)) == Done(), "the guest's handler"
    cpu.do(op.Iret())
    assert cpu.do(op.Tilestored(0)) == Data(b"\1".ljust(1024, b"\0"))


def test_an_exit_before_the_exception_is_taken_does_not_lose_it(bench):
    cpu = bench()
    cpu.do(op.Vminject("vcpu", Vector.GP, 0))
    cpu.do(ENTER)
    cpu.retries(op.ExternalInterrupt(), cpu.irq)
    cpu.set(pending=()).do(ENTER)
    assert cpu.do(op.Nop()) == GP
    assert cpu.do(op.Nop()) == Done()


def test_an_instruction_that_was_completed_retires_before_an_exception_that_comes_with_it(bench):
    cpu = entered(bench(), rdmsr_exiting=(Msr.XFD,))
    assert cpu.retries(op.Rdmsr(Msr.XFD))
    cpu.do(op.Vmwrite("vcpu", 7))
    cpu.do(op.Vminject("vcpu", Vector.NM))
    cpu.do(ENTER)
    assert cpu.do(op.Rdmsr(Msr.XFD)) == Value(7)
    assert cpu.do(op.Rdmsr(Msr.XFD)) == NM, "and the handler's own RDMSR does not get its result"
    assert cpu.retries(op.Rdmsr(Msr.XFD))


# Footprints.


def test_a_vm_exit_is_in_the_footprint_only_where_the_controls_allow_one(bench):
    cpu = bench()
    cpu.cells[cpu.guest.placement] = Placement(0)
    entered(cpu, wrmsr_exiting=(Msr.XFD,))
    assert cpu.vmx.guest_msrs in cpu.footprint(op.Wrmsr(Msr.XFD, 0)).writes
    assert cpu.vmx.guest_msrs not in cpu.footprint(op.Wrmsr(Msr.XFD_ERR, 0)).writes
    assert cpu.vmx.vmcs in cpu.footprint(op.Wrmsr(Msr.XFD_ERR, 0)).reads
    assert cpu.vmx.vmcs not in cpu.footprint(op.Load(cpu.word)).reads
    entered(bench(), exception_bitmap=1 << Vector.NM)
    other = entered(bench(), exception_bitmap=1 << Vector.NM)
    assert other.vmx.vmcs in other.footprint(op.Tilezero(0)).writes


@pytest.mark.parametrize("message", [ENTER, op.Vmcontrol("vcpu", Controls()), op.Vminject("vcpu", Vector.NM)])
def test_a_guest_has_none_of_this_itself(bench, message):
    for bitmap in (0, 1 << Vector.UD):
        cpu = entered(bench(), exception_bitmap=bitmap)
        if bitmap:
            assert cpu.retries(message)
        else:
            assert cpu.do(message) == UD
