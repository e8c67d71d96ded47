"""What rules have in common: how an exception pushes, and what a fault leaves alone."""

import pytest

from actors.machine.state import Frame, Kind, Ring, Saved
from actors.machine.step import Step, done, general_protection, raise_exception, retire, undefined
from actors.machine.xstate.registers import XState
from protocol.handles import Cell, Program
from protocol.registers import Vector
from protocol.replies import Done, Fault, Value


@pytest.mark.parametrize("ring", list(Ring))
@pytest.mark.parametrize("interrupt_flag", [False, True])
def test_an_exception_goes_to_the_kernel_with_interrupts_off_and_pushes_what_was(bench, ring, interrupt_flag):
    cpu = bench(ring=ring).set(interrupt_flag=interrupt_flag).cpu
    (effect,) = raise_exception(cpu, Vector.NM)
    assert effect.reply == Fault(Vector.NM, None, ring.cpl)
    assert effect.cpu.top.ring is Ring.KERNEL
    assert not effect.cpu.interrupt_flag
    assert effect.cpu.top.saved == (*cpu.top.saved, Saved(ring, interrupt_flag))
    assert effect.cpu.x == cpu.x
    assert effect.writes == ()


def test_an_exception_inside_an_exception_pushes_again(bench):
    cpu = bench(ring=Ring.USER).cpu
    (first,) = raise_exception(cpu, Vector.NM)
    (second,) = raise_exception(first.cpu, Vector.GP, 0)
    assert second.reply == Fault(Vector.GP, 0, 0)
    assert second.cpu.top.saved == (Saved(Ring.USER, True), Saved(Ring.KERNEL, False))


def test_only_the_context_that_runs_is_pushed_upon(bench):
    below = bench().cpu.top
    cpu = bench().set(frames=(below, Frame(Program("irq"), Kind.HARDIRQ))).cpu
    (effect,) = undefined(Step(0, cpu, Program("irq"), None, {}, None))
    assert effect.cpu.frames[0] == below
    assert len(effect.cpu.frames) == 2


def test_general_protection_has_an_error_code_and_undefined_has_none(bench):
    step = Step(0, bench().cpu, bench.task, None, {}, None)
    assert general_protection(step)[0].reply == Fault(Vector.GP, 0, 0)
    assert undefined(step)[0].reply == Fault(Vector.UD, None, 0)


def test_retiring_replies_done_unless_told_otherwise(bench):
    step = Step(0, bench().cpu, bench.task, None, {}, None)
    assert done(step.cpu)[0].reply == Done()
    written = done(step.cpu, Value(1), (Cell("a"), 2))[0]
    assert (written.reply, written.writes) == (Value(1), ((Cell("a"), 2),))
    loaded = XState(xcr0=7)
    assert retire(step, loaded)[0].cpu.x == loaded
