import itertools

import pytest

from actors.machine.state import CpuState, Frame, Kind, Ring, Vmx, cpu_cell
from actors.machine.xstate.registers import XState
from protocol.handles import Cell, Program

TASK, GUEST, HANDLER = (Frame(Program(kind.value), kind) for kind in (Kind.TASK, Kind.GUEST, Kind.HARDIRQ))


def test_a_ring_is_a_privilege_level_and_a_mode_and_has_another_of_the_same_level_beside_it():
    assert (Ring.KERNEL.cpl, Ring.USER.cpl) == (0, 3)
    assert Ring.KERNEL.long_mode
    assert Ring.USER.long_mode
    for ring, other in ((Ring.KERNEL, Ring.KERNEL32), (Ring.USER, Ring.USER32)):
        assert (other.cpl, other.long_mode) == (ring.cpl, False)
        for one in (ring, other):
            assert one.beside(long_mode=True) is ring
            assert one.beside(long_mode=False) is other


def test_the_innermost_context_is_the_one_that_runs():
    assert CpuState((TASK, GUEST), XState()).top == GUEST
    assert CpuState((TASK, HANDLER), XState()).top == HANDLER


@pytest.mark.parametrize(
    ("top", "interrupt_flag", "sti_shadow"), list(itertools.product(Kind, (False, True), (False, True)))
)
def test_interrupts_are_taken_in_a_guest_always_and_on_the_host_with_if_and_no_shadow(
    top, interrupt_flag, sti_shadow
):
    frames = (TASK,) if top is Kind.TASK else (TASK, Frame(Program("x"), top))
    cpu = CpuState(frames, XState(), interrupt_flag, sti_shadow)
    assert cpu.in_guest == (top is Kind.GUEST)
    assert cpu.takes_interrupts == (top is Kind.GUEST or (interrupt_flag and not sti_shadow))


def test_each_cpu_and_each_part_of_a_vcpu_has_a_cell_of_its_own():
    vmx = [getattr(Vmx(name), part) for name in "ab" for part in ("vmcs", "guest_msrs", "host_msrs")]
    cells = [cpu_cell(0), cpu_cell(1), *vmx]
    assert len(set(cells)) == 8
    assert cpu_cell(1) == Cell("cpu1")
