"""Code in compatibility mode: how it gets there and back, and what of the extended state it reaches."""

import msgspec
import pytest

from actors.machine.model import TILEDATA
from actors.machine.state import Frame, Kind, Placement, Ring, Saved
from actors.machine.xstate import area as images
from actors.machine.xstate.tiles import config
from actors.runtime.errors import ModelError
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.registers import Vector
from protocol.replies import Done, Fault, Value

AREA = Cell("area")
ALL = 2**64 - 1
GP, UD, NM = Fault(Vector.GP, 0), Fault(Vector.UD), Fault(Vector.NM)
XMM, HI16, OPMASK = 1 << 1, 1 << 7, 1 << 5
TO_32, TO_64 = op.JmpFar(long_mode=False), op.JmpFar(long_mode=True)
KERNEL32 = pytest.mark.parametrize("ring", [Ring.KERNEL32, Ring.USER32])


def upper_and_lower(cpu):
    """Put something into registers 1 and 9, ZMM17 and k1, and go to 32-bit code."""
    for message in (
        op.Vpbroadcastq(1, 0x11),
        op.Vpbroadcastq(9, 0x99),
        op.Vpbroadcastq(17, 0x17),
        op.Kmovq(1, 5),
    ):
        assert cpu.do(message) == Done()
    cpu.cells[AREA] = op.XsaveArea()
    assert cpu.do(TO_32) == Done()
    return cpu


def flat(cpu):
    return images.to_bytes(cpu.cells[AREA], 0x2C00)


# There and back.


@pytest.mark.parametrize("ring", list(Ring))
def test_a_far_jump_changes_the_mode_and_neither_the_privilege_level_nor_anything_else(bench, ring):
    cpu = bench(ring=ring)
    before = cpu.cpu
    for message, long_mode in ((TO_32, False), (TO_32, False), (TO_64, True), (TO_64, True)):
        assert cpu.do(message) == Done()
        assert (cpu.cpu.top.ring.cpl, cpu.cpu.top.ring.long_mode) == (ring.cpl, long_mode)
    back = op.JmpFar(ring.long_mode)
    cpu.do(back)
    assert cpu.cpu == before


@KERNEL32
def test_exceptions_and_system_calls_enter_64_bit_code_and_iret_returns_to_32_bit_code(bench, ring):
    for message in (op.Syscall(), op.Rdmsr(0x10)):
        cpu = bench(ring=ring)
        before = cpu.cpu
        cpu.do(message)
        assert cpu.cpu.top.ring is Ring.KERNEL
        assert cpu.cpu.top.saved[-1] == Saved(ring, True)
        assert cpu.do(op.Iret()) == Done()
        assert cpu.cpu == before


def test_a_task_keeps_its_mode_while_it_is_off_the_cpu(bench):
    cpu = bench(ring=Ring.KERNEL32)
    other = Program("other")
    cpu.cells[other.placement] = Placement(None, Frame(other, Kind.TASK))
    frame = cpu.cpu.top
    cpu.do(op.SwitchTo(other))
    assert cpu.cpu.top.ring is Ring.KERNEL
    cpu.do(op.SwitchTo(cpu.task))
    assert cpu.cpu.top == frame


def test_a_guest_keeps_its_mode_over_an_exit_and_the_host_is_in_its_own(bench):
    cpu = bench()
    cpu.do(op.Vmenter("vcpu"))
    cpu.do(TO_32)
    cpu.retries(op.ExternalInterrupt(), cpu.irq)
    assert cpu.cpu.top.ring is Ring.KERNEL
    cpu.set(pending=()).do(op.Vmenter("vcpu"))
    assert cpu.cpu.top.ring is Ring.KERNEL32


# What is not there.


@KERNEL32
@pytest.mark.parametrize(
    "message",
    [op.Ldtilecfg(config(16)), op.Sttilecfg(), op.Tilerelease(), op.Tilezero(0), op.Tileloadd(0, b""),
     op.Tilestored(0), op.Tdpbssd(0, 1, 2)],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_amx_is_undefined_before_cr0_ts_and_xfd_are_looked_at(bench, ring, message):
    cpu = bench()
    cpu.do(op.Ldtilecfg(config(16, 16, 16)))
    top = msgspec.structs.replace(cpu.cpu.top, ring=ring)
    cpu.set_x(xfd=TILEDATA).set(cr0_ts=True, frames=(top,))
    assert cpu.do(message) == msgspec.structs.replace(UD, cpl=ring.cpl)
    assert cpu.x.xfd_err == 0


@KERNEL32
@pytest.mark.parametrize(
    "message",
    [op.Vmenter("vcpu"), op.Vmread("vcpu"), op.Vmwrite("vcpu"), op.Vmcontrol("vcpu", op.Controls()),
     op.Vminject("vcpu", Vector.NM)],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_vmx_is_undefined_and_at_cpl_3_that_comes_before_the_privilege_level(bench, ring, message):
    assert bench(ring=ring).do(message) == msgspec.structs.replace(UD, cpl=ring.cpl)


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (op.Movq(8, 1), Done()),
        (op.MovqFrom(8), Value(0)),
        (op.Vpbroadcastq(8, 1), Done()),
        (op.Vpbroadcastq(31, 1), Done()),
    ],
)
def test_a_register_that_cannot_be_named_is_an_error_of_the_program(bench, message, reply):
    cpu = bench()
    assert cpu.do(message) == reply
    cpu.do(TO_32)
    with pytest.raises(ModelError, match=r"task: .*mm.*: compatibility mode has registers 0 to 7 alone"):
        cpu.outcomes(message)
    low = msgspec.structs.replace(message, register=7)
    assert cpu.do(low) == reply


def test_the_privilege_level_counts_as_ever(bench):
    for message in (op.Cli(), op.Xsetbv(7), op.Xsaves(0, AREA)):
        assert bench(ring=Ring.USER32).do(message) == msgspec.structs.replace(GP, cpl=3)
        assert bench(ring=Ring.KERNEL32).do(message) == Done()


# What is reached.


def test_xgetbv_1_and_saves_do_not_see_component_7(bench):
    cpu = upper_and_lower(bench())
    assert cpu.do(op.Xgetbv(1)).value & (HI16 | OPMASK) == OPMASK
    for kind in (op.Xsave, op.Xsaveopt, op.Xsavec, op.Xsaves):
        cpu.cells[AREA] = op.XsaveArea()
        cpu.do(kind(ALL, AREA))
        assert cpu.cells[AREA].xstate_bv & (HI16 | OPMASK) == OPMASK
    cpu.do(TO_64)
    assert cpu.do(op.Xgetbv(1)).value & HI16


def test_a_save_writes_registers_0_to_7_alone(bench):
    cpu = upper_and_lower(bench())
    cpu.do(op.Xsave(ALL, AREA))
    assert flat(cpu)[160 + 16] == 0x11
    assert flat(cpu)[160 + 9 * 16] == 0
    assert flat(cpu)[1664 + 64] == 0, "ZMM17"
    cpu.do(TO_64)
    cpu.do(op.Xsave(ALL, AREA))
    assert (flat(cpu)[160 + 9 * 16], flat(cpu)[1664 + 64]) == (0x99, 0x17)


def test_a_restore_loads_and_initialises_registers_0_to_7_alone(bench):
    cpu = upper_and_lower(bench())
    assert cpu.do(op.Xrstor(ALL, AREA)) == Done()
    cpu.do(TO_64)
    cpu.do(op.Xsave(ALL, AREA))
    assert flat(cpu)[160 + 16] == 0
    assert (flat(cpu)[160 + 9 * 16], flat(cpu)[1664 + 64]) == (0x99, 0x17)
    assert cpu.cells[AREA].xstate_bv & (XMM | HI16) == XMM | HI16


def test_vzeroall_zeroes_registers_0_to_7_alone(bench):
    cpu = upper_and_lower(bench())
    cpu.do(op.Vzeroall())
    cpu.do(TO_64)
    cpu.do(op.Xsave(ALL, AREA))
    assert (flat(cpu)[160 + 16], flat(cpu)[160 + 9 * 16]) == (0, 0x99)


def test_rex_w_does_not_count(bench):
    cpu = bench()
    fip = 0x7FFF_1234_5678
    image = (b"\x7f\x03" + bytes(6) + fip.to_bytes(8, "little")).ljust(512, b"\0") + b"\1".ljust(64, b"\0")
    cpu.cells[AREA] = images.from_bytes(image, cpu.processor.model.description)
    cpu.do(op.Xrstor(1, AREA))
    cpu.do(TO_32)
    for rexw in (True, False):
        cpu.cells[AREA] = op.XsaveArea()
        cpu.do(op.Xsave(1, AREA, rexw))
        assert int.from_bytes(flat(cpu)[8:16], "little") == fip & 0xFFFF_FFFF


def test_other_instructions_do_what_they_do_in_64_bit_mode(bench):
    one, other = bench(), bench()
    other.do(TO_32)
    for message in (
        op.Movq(3, 7),
        op.Kmovq(7, 8),
        op.Wrpkru(5),
        op.Ldmxcsr(0x1FC0),
        op.Fninit(),
        op.Wrmsr(0x1C4, TILEDATA),
    ):
        assert one.do(message) == other.do(message) == Done()
        assert one.x == other.x
    assert one.do(op.Rdpkru()) == other.do(op.Rdpkru()) == Value(5)
    assert other.set(cr0_ts=True).do(op.Movq(3, 7)) == NM
