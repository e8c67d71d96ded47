"""The model, called as the second formulation is: its values are made from a plain CPU and memory, and put back into them."""

import functools

from actors.machine.xstate import area as images
from actors.machine.xstate import outcomes
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description, StateComponent
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from protocol.registers import Vector
from tests.machine.manual.cpu import EXTENDED, SIZES, Fault
from tests.machine.manual.family import SAVES

DESCRIPTION = Description(
    "everything",
    tuple(
        StateComponent(number, part.size, part.offset, part.supervisor, part.align64, part.xfd)
        for number, part in EXTENDED.items()
    ),
    xfd=True,
)
MODEL = CpuModel(DESCRIPTION, tracking="recorded")
FREE = CpuModel(DESCRIPTION, tracking="architectural")
APART = 0x46
"""Components whose registers 8 to 15 the model tracks apart."""


def execute(name, cpu, memory, area, mask, *, rexw=True, form=""):
    """Execute one of the six instructions in place, and return the fault that it raises, if any."""
    result = run(MODEL, name, cpu, memory, area, mask, rexw=rexw, form=form)
    assert result.choices == (), "the recorded CPU has no choices"
    take(cpu, result.state)
    if result.area is not None:
        memory[area:] = images.to_bytes(result.area, len(memory) - area)
    if result.fault is None:
        return None
    return Fault(int(result.fault.vector), result.fault.error_code or 0)


def run(model, name, cpu, memory, area, mask, *, rexw=True, form=""):
    """Execute one of the six instructions on a model, and return its result."""
    environment = Environment(cpu.cpl, cpu.osxsave, cpu.ts, cpu.mode64, cpu.non_root)
    operand = Operand(area_of(memory, area), area, rexw, form)
    execute = save if name in SAVES else restore
    return execute(name, state_of(cpu), mask, operand, environment, model)


def refused(name, case, after):
    """Return what of an execution the manual's freedom does not cover, or None; `after` is a fault, a CPU, and memory."""
    allowed = run(FREE, name, case.cpu, case.memory, case.area, case.mask, rexw=case.rexw, form=case.form)
    fault, cpu, memory = after
    raised = fault and outcomes.Fault(Vector(fault[0]), fault[1], "")
    image = None if allowed.area is None else area_of(memory, case.area)
    actual = outcomes.Result(state_of(cpu), image, raised)
    return outcomes.disallowed(allowed, actual, functools.partial(images.write, description=DESCRIPTION))


def area_of(memory, area):
    return images.from_bytes(bytes(memory[area:]), DESCRIPTION)


def state_of(cpu):
    """Return the model's value of this CPU."""
    info = cpu.xrstor_info and XrstorInfo(*cpu.xrstor_info)
    state = XState(
        xcr0=cpu.xcr0,
        xss=cpu.xss,
        xfd=cpu.xfd,
        xfd_err=cpu.xfd_err,
        xinuse=cpu.xinuse | cpu.xinuse_high & ~APART,
        xinuse_upper=cpu.xinuse_high & APART,
        xmodified=cpu.xmodified & known(cpu) if info else 0,
        xrstor_info=info,
        mxcsr=cpu.mxcsr,
    )
    for i, content in cpu.registers.items():
        state = state.holding(i, bytes(content))
    return state


def take(cpu, state):
    """Put a value of the model back into the CPU."""
    assert (cpu.xcr0, cpu.xss, cpu.xfd) == (state.xcr0, state.xss, state.xfd)
    cpu.xfd_err, cpu.mxcsr = state.xfd_err, state.mxcsr
    for i in cpu.registers:
        content = state.content(i, DESCRIPTION)
        assert len(content) == SIZES[i]
        cpu.registers[i] = bytearray(content)
    apart = 1 << 7
    cpu.xinuse = state.xinuse & ~apart
    cpu.xinuse_high = state.xinuse_upper | state.xinuse & apart
    cpu.xrstor_info = state.xrstor_info and (
        state.xrstor_info.cpl,
        state.xrstor_info.non_root,
        state.xrstor_info.address,
        state.xrstor_info.xcomp_bv,
    )
    if state.xrstor_info:
        cpu.xmodified = state.xmodified


def take_controls(cpu, state):
    """Put back the registers that XSETBV and WRMSR write."""
    cpu.xcr0, cpu.xss, cpu.xfd, cpu.xfd_err = state.xcr0, state.xss, state.xfd, state.xfd_err


def known(cpu):
    """Return the components that this CPU has, as a mask."""
    return sum(1 << i for i in cpu.registers)
