"""States made by hand, for predicates to decide on: a CPU in some context, registers that hold something, areas."""

from actors.machine.model import cpu_model
from actors.machine.state import CpuState, Frame, Kind, Ring
from actors.machine.xstate.area import overwritten
from actors.machine.xstate.components import COMPACTED, MXCSR_INITIAL, SSE, TILES
from actors.machine.xstate.layout import MXCSR_AT, XMM_AT
from actors.machine.xstate.registers import XState
from actors.system.invariants.subject import User
from actors.system.invariants.taint import word
from actors.system.kernel.data import Task
from actors.system.kernel.layout import default_fpstate, possible_fpstates
from protocol.handles import Program
from protocol.instructions import XsaveArea
from protocol.registers import Component

MODEL = cpu_model("sapphire_rapids")
FEATURES = SSE | TILES
IRQ = Program("irq0")
A, B = Task(Program("A")), Task(Program("B"))


def user(task):
    """A task with room for SSE and TILECFG, and an fpstate to come with TILEDATA too."""
    own = default_fpstate(MODEL, task.name, FEATURES & ~MODEL.xfd_capable)
    return User(task, possible_fpstates(MODEL, own, task.name))


def cpu(*frames, interrupt_flag=True, **x):
    """A CPU with these contexts, outermost first."""
    return CpuState(frames, XState(**{"xcr0": MODEL.xcr0, **x}), interrupt_flag)


def kernel(task):
    return Frame(task.program, Kind.TASK)


def in_user(task):
    return Frame(task.program, Kind.TASK, Ring.USER)


def hardirq():
    return Frame(IRQ, Kind.HARDIRQ)


def guest(name="guest"):
    return Frame(Program(name), Kind.GUEST)


def holding(state, value):
    """The same CPU with a 64-bit value in XMM0."""
    x = state.x.loaded(Component.SSE, word(value).ljust(256, b"\0"))
    return CpuState(state.frames, x, state.interrupt_flag)


def saved(fpstate, value=None, xstate_bv=None):
    """An fpstate's area: with a value saved for XMM0, or nothing; XSTATE_BV as that is, unless given."""
    blank = XsaveArea(0, COMPACTED | fpstate.xfeatures)
    mxcsr = (MXCSR_AT, MXCSR_INITIAL.to_bytes(8, "little"))
    stores = (mxcsr,) if value is None else (mxcsr, (XMM_AT, word(value)))
    bv = xstate_bv if xstate_bv is not None else 0 if value is None else SSE
    return overwritten(blank, bv, blank.xcomp_bv, stores, MODEL.description)
