"""Instructions on extended state, as tables from message type to the pure function that executes it.

The functions and their sources are in `xstate`, which knows privilege, mode and control registers too. What is added here:
where the operands stand in the message, that RDMSR and WRMSR ignore RCX[63:32], and the memory operand, a cell
(`environment`). Registers 8 and above cannot be named in compatibility mode, and three wrong encodings are other
instructions: a program that sends such a message breaks the model.
"""

import functools
from collections.abc import Callable
from typing import Any

from actors.machine.describe import describe
from actors.machine.environment import environment, operand
from actors.machine.model import CpuModel
from actors.machine.results import effects
from actors.machine.step import Effects, Rule, Step
from actors.machine.xstate import msr, tiles, vector, xcr0
from actors.machine.xstate.dot_product import tdpbssd
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.faults import ANOTHER, not_available, undefined
from actors.machine.xstate.outcomes import Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.xfd import device_not_available
from actors.runtime.errors import ModelError
from protocol import instructions as op


def _touch(m: op.Touch, x: XState, at: Environment, cpu: CpuModel) -> Result:
    """Use a component that is XFD-capable, enabled in XCR0, and not one that AMX instructions use; others are #UD."""
    if not cpu.xfd_capable & ~tiles.NEEDED & x.xcr0 & (1 << m.component):
        return Result(x, fault=undefined("the component has no instruction"))
    if at.ts:
        return Result(x, fault=not_available("CR0.TS = 1"))
    size = cpu.description.size(m.component)
    content = m.data[:size].ljust(size, b"\0")
    return device_not_available(x, 1 << m.component, cpu) or Result(x.loaded(m.component, content))


def ecx(rcx: int) -> int:
    """Return what of RCX an instruction with an implicit register number looks at."""
    return rcx & 0xFFFF_FFFF


Execute = Callable[[Any, XState, Environment, CpuModel], Result]

ON_REGISTERS: dict[type, Execute] = {
    op.Rdmsr: lambda m, x, at, cpu: msr.rdmsr(x, ecx(m.msr), at, cpu),
    op.Wrmsr: lambda m, x, at, cpu: msr.wrmsr(x, ecx(m.msr), m.value, at, cpu),
    op.Xgetbv: lambda m, x, at, cpu: xcr0.xgetbv(x, m.ecx, at, cpu),
    op.Xsetbv: lambda m, x, at, cpu: xcr0.xsetbv(x, m.ecx, m.value, at, cpu),
    op.Ldtilecfg: lambda m, x, at, cpu: tiles.ldtilecfg(x, m.config, at, cpu),
    op.Sttilecfg: lambda _, x, at, cpu: tiles.sttilecfg(x, at, cpu),
    op.Tileloadd: lambda m, x, at, cpu: tiles.tileloadd(x, m.tile, m.data, at, cpu),
    op.Tilestored: lambda m, x, at, cpu: tiles.tilestored(x, m.tile, at, cpu),
    op.Tilezero: lambda m, x, at, cpu: tiles.tilezero(x, m.tile, at, cpu),
    op.Tilerelease: lambda _, x, at, cpu: tiles.tilerelease(x, at, cpu),
    op.Tdpbssd: lambda m, x, at, cpu: tdpbssd(x, m.dst, m.src1, m.src2, at, cpu),
    op.Wrpkru: lambda m, x, at, cpu: vector.wrpkru(x, m.value, at, cpu),
    op.Rdpkru: lambda _, x, at, cpu: vector.rdpkru(x, at, cpu),
    op.Ldmxcsr: lambda m, x, at, cpu: vector.ldmxcsr(x, m.value, at, cpu),
    op.Stmxcsr: lambda _, x, at, cpu: vector.stmxcsr(x, at, cpu),
    op.Fninit: lambda _, x, at, cpu: vector.fninit(x, at, cpu),
    op.Vzeroupper: lambda _, x, at, cpu: vector.vzeroupper(x, at, cpu),
    op.Vzeroall: lambda _, x, at, cpu: vector.vzeroall(x, at, cpu),
    op.Movq: lambda m, x, at, cpu: vector.movq_xmm(x, m.register, m.value, at, cpu),
    op.MovqFrom: lambda m, x, at, cpu: vector.movq_from_xmm(x, m.register, at, cpu),
    op.Vpbroadcastq: lambda m, x, at, cpu: vector.vpbroadcastq(x, m.register, m.value, m.width, at, cpu),
    op.Kmovq: lambda m, x, at, cpu: vector.kmovq(x, m.register, m.value, at, cpu),
    op.Touch: _touch,
}
REPLIES_DATA = frozenset({op.Sttilecfg, op.Tilestored})
"""Instructions that store to memory that is not modelled; their bytes are the reply."""

SAVES: dict[type, str] = {
    op.Xsave: "xsave",
    op.Xsaveopt: "xsaveopt",
    op.Xsavec: "xsavec",
    op.Xsaves: "xsaves",
}
RESTORES: dict[type, str] = {op.Xrstor: "xrstor", op.Xrstors: "xrstors"}


NAMED: frozenset[type] = frozenset({op.Movq, op.MovqFrom, op.Vpbroadcastq})
"""Instructions that name a vector register, of which compatibility mode has 0 to 7."""

_COMPATIBLE_REGISTERS = 8


def _on_registers(step: Step, execute: Execute, *, data: bool) -> Effects:
    message, at = step.message, environment(step)
    if not at.long_mode and type(message) in NAMED and message.register >= _COMPATIBLE_REGISTERS:
        raise ModelError(
            f"{step.sender.name}: {describe(message)}: compatibility mode has registers 0 to 7 alone"
        )
    return effects(step, execute(message, step.cpu.x, at, step.model), data=data)


def _on_memory(step: Step, execute: Callable[..., Result], mnemonic: str) -> Effects:
    rfbm, found = step.message.rfbm, operand(step)
    another = ANOTHER.get((mnemonic, found.encoding))
    if another is not None:
        text = describe(step.message)
        raise ModelError(f"{step.sender.name}: {text}: that encoding is {another}, an instruction of its own")
    return effects(step, execute(mnemonic, step.cpu.x, rfbm, found, environment(step), step.model))


RULES: dict[type, Rule] = {
    **{
        kind: functools.partial(_on_registers, execute=execute, data=kind in REPLIES_DATA)
        for kind, execute in ON_REGISTERS.items()
    },
    **{kind: functools.partial(_on_memory, execute=save, mnemonic=name) for kind, name in SAVES.items()},
    **{
        kind: functools.partial(_on_memory, execute=restore, mnemonic=name) for kind, name in RESTORES.items()
    },
}
