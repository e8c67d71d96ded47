"""One instruction on its way through the CPU: what a rule is given, and what it gives back.

A rule is a function from a `Step` to its effects. Each effect is one outcome: the CPU after it, the reply, other cells' new
values, and a label where there are several. The helpers below are the effects that most rules share.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from actors.machine.model import CpuModel
from actors.machine.state import CpuState, Ring, Saved
from actors.machine.xstate.registers import XState
from actors.runtime import Values
from protocol.handles import Cell, Program
from protocol.registers import Vector
from protocol.replies import Done, Fault


class Step(msgspec.Struct, frozen=True):
    """What a rule sees: the CPU's number and state, the message and its sender, the other cells' values, the model."""

    number: int
    cpu: CpuState
    sender: Program
    message: Any
    values: Values
    model: CpuModel


class Effect(msgspec.Struct, frozen=True):
    """One outcome of a rule."""

    cpu: CpuState
    reply: Any = Done()
    writes: tuple[tuple[Cell, Any], ...] = ()
    label: str = ""


Effects = tuple[Effect, ...]
Rule = Callable[[Step], Effects]


def done(cpu: CpuState, reply: Any = Done(), *writes: tuple[Cell, Any]) -> Effects:  # noqa: B008  # a frozen value
    """The instruction retires."""
    return (Effect(cpu, reply, writes),)


def retire(step: Step, x: XState, reply: Any = Done()) -> Effects:  # noqa: B008  # a frozen value
    """The instruction retires with new extended state."""
    return (Effect(msgspec.structs.replace(step.cpu, x=x), reply),)


def raise_exception(cpu: CpuState, vector: Vector, error_code: int | None = None) -> Effects:
    """The instruction raises an exception, which has no more to say than its vector and error code."""
    return raised(cpu, Fault(vector, error_code))


def raised(cpu: CpuState, fault: Fault) -> Effects:
    """An exception comes through an interrupt gate: 64-bit code at CPL 0, IF=0, and what was is pushed."""
    frame = cpu.top
    pushed = (*frame.saved, Saved(frame.ring, cpu.interrupt_flag))
    entered = msgspec.structs.replace(frame, ring=Ring.KERNEL, saved=pushed)
    after = msgspec.structs.replace(cpu, frames=(*cpu.frames[:-1], entered), interrupt_flag=False)
    return (Effect(after, msgspec.structs.replace(fault, cpl=frame.ring.cpl)),)


def undefined(step: Step) -> Effects:
    """#UD."""
    return raise_exception(step.cpu, Vector.UD)


def general_protection(step: Step) -> Effects:
    """#GP(0)."""
    return raise_exception(step.cpu, Vector.GP, 0)
