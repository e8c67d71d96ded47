"""What each instruction does, as a table from message type to rule.

What concerns extended state is in `xstate`, with its sources: here its results become effects on the CPU. Privilege (#GP)
comes first where an instruction has it in `PRIVILEGED`; the others look at it themselves. An instruction that is not in the
table is #UD. The memory operands have no address here, so the modified optimisation of XSAVES never applies: it writes all
that is in use.
"""

import functools
from typing import Any

import msgspec

from actors.machine.model import CpuModel
from actors.machine.state import Ring, Saved
from actors.machine.step import Effect, Effects, Rule, Step, done, raise_exception, undefined
from actors.machine.xstate import area as images
from actors.machine.xstate import msr, tiles, xcr0
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.outcomes import Result, outcomes
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.xfd import device_not_available
from protocol import instructions as op
from protocol.registers import Vector
from protocol.replies import Data, Value


def environment(step: Step) -> Environment:
    """Return what an instruction finds of the CPU besides its extended state."""
    cpu = step.cpu
    return Environment(cpl=cpu.top.ring.value, ts=cpu.cr0_ts, non_root=cpu.in_guest)


def effects(step: Step, result: Result, reply: Any = None) -> Effects:
    """Return what an instruction on extended state does to the CPU: one effect for each outcome."""
    store = functools.partial(images.write, description=step.model.description)
    return tuple(_effect(step, label, one, reply) for label, one in outcomes(result, store))


def _effect(step: Step, label: str, result: Result, reply: Any) -> Effect:
    cpu, fault = msgspec.structs.replace(step.cpu, x=result.state), result.fault
    if result.state is step.cpu.x:
        cpu = step.cpu
    if fault is not None:
        raised = raise_exception(cpu, fault.vector, fault.error_code)
        return msgspec.structs.replace(raised[0], label=label)
    writes = () if result.area is None else ((step.message.area, result.area),)
    value = Effect(cpu).reply if result.value is None else Value(result.value)
    return Effect(cpu, value if reply is None else reply, writes, label)


def _nop(step: Step) -> Effects:
    return done(step.cpu)


def _cli(step: Step) -> Effects:
    return done(msgspec.structs.replace(step.cpu, interrupt_flag=False))


def _sti(step: Step) -> Effects:
    return done(
        msgspec.structs.replace(step.cpu, interrupt_flag=True, sti_shadow=not step.cpu.interrupt_flag)
    )


def _syscall(step: Step) -> Effects:
    frame = step.cpu.top
    entered = msgspec.structs.replace(
        frame, ring=Ring.KERNEL, saved=(*frame.saved, Saved(frame.ring, step.cpu.interrupt_flag))
    )
    return done(msgspec.structs.replace(step.cpu, frames=(*step.cpu.frames[:-1], entered)))


def _rdmsr(step: Step) -> Effects:
    return effects(step, msr.rdmsr(step.cpu.x, step.message.msr, environment(step), step.model))


def _wrmsr(step: Step) -> Effects:
    message = step.message
    return effects(step, msr.wrmsr(step.cpu.x, message.msr, message.value, environment(step), step.model))


def _xgetbv(step: Step) -> Effects:
    return effects(step, xcr0.xgetbv(step.cpu.x, step.message.ecx, environment(step), step.model))


def _xsetbv(step: Step) -> Effects:
    message = step.message
    return effects(step, xcr0.xsetbv(step.cpu.x, message.ecx, message.value, environment(step), step.model))


def _mov_cr0_ts(step: Step) -> Effects:
    return done(msgspec.structs.replace(step.cpu, cr0_ts=step.message.ts))


def _xsaves(step: Step) -> Effects:
    operand = Operand(step.values[step.message.area])
    return effects(
        step, save("xsaves", step.cpu.x, step.message.rfbm, operand, environment(step), step.model)
    )


def _xrstors(step: Step) -> Effects:
    operand = Operand(step.values[step.message.area])
    return effects(
        step, restore("xrstors", step.cpu.x, step.message.rfbm, operand, environment(step), step.model)
    )


def _ldtilecfg(step: Step) -> Effects:
    return effects(step, tiles.ldtilecfg(step.cpu.x, step.message.config, environment(step), step.model))


def _sttilecfg(step: Step) -> Effects:
    result = tiles.sttilecfg(step.cpu.x, environment(step), step.model)
    return effects(step, result, Data(result.data))


def _tileloadd(step: Step) -> Effects:
    message = step.message
    return effects(
        step, tiles.tileloadd(step.cpu.x, message.tile, message.data, environment(step), step.model)
    )


def _tilestored(step: Step) -> Effects:
    result = tiles.tilestored(step.cpu.x, step.message.tile, environment(step), step.model)
    return effects(step, result, Data(result.data))


def _tilezero(step: Step) -> Effects:
    return effects(step, tiles.tilezero(step.cpu.x, step.message.tile, environment(step), step.model))


def _tilerelease(step: Step) -> Effects:
    return effects(step, tiles.tilerelease(step.cpu.x, environment(step), step.model))


def _touch(step: Step) -> Effects:
    x, component = step.cpu.x, step.message.component
    if not _touchable(x, step.model, component):
        return undefined(step)
    if step.cpu.cr0_ts:
        return raise_exception(step.cpu, Vector.NM)
    size = step.model.description.size(component)
    content = step.message.data[:size].ljust(size, b"\0")
    return effects(
        step,
        device_not_available(x, 1 << component, step.model) or Result(x.loaded(component, content)),
    )


def _touchable(x: XState, model: CpuModel, component: int) -> bool:
    """Say whether `touch` knows the component: XFD-capable, enabled in XCR0, and not one that AMX instructions use."""
    return bool(model.xfd_capable & ~tiles.NEEDED & x.xcr0 & (1 << component))


def _load(step: Step) -> Effects:
    return done(step.cpu, step.values[step.message.cell])


def _store(step: Step) -> Effects:
    return done(step.cpu, Effect(step.cpu).reply, (step.message.cell, step.message.value))


RULES: dict[type, Rule] = {
    op.Nop: _nop,
    op.Cli: _cli,
    op.Sti: _sti,
    op.Syscall: _syscall,
    op.Rdmsr: _rdmsr,
    op.Wrmsr: _wrmsr,
    op.Xgetbv: _xgetbv,
    op.Xsetbv: _xsetbv,
    op.MovCr0Ts: _mov_cr0_ts,
    op.Xsaves: _xsaves,
    op.Xrstors: _xrstors,
    op.Ldtilecfg: _ldtilecfg,
    op.Sttilecfg: _sttilecfg,
    op.Tileloadd: _tileloadd,
    op.Tilestored: _tilestored,
    op.Tilezero: _tilezero,
    op.Tilerelease: _tilerelease,
    op.Touch: _touch,
    op.Load: _load,
    op.Store: _store,
}

PRIVILEGED: frozenset[type] = frozenset(
    {
        op.Cli,
        op.Sti,
        op.Hlt,
        op.Iret,
        op.Rdmsr,
        op.Wrmsr,
        op.Xsetbv,
        op.MovCr0Ts,
        op.SwitchTo,
        op.Vmenter,
        op.Vmread,
        op.Vmwrite,
    }
)
"""Instructions that are #GP(0) at CPL 3 (CLI and STI with IOPL 0; IRET stands for a return from the kernel).

XSAVES and XRSTORS are too, but look at CR0.TS first.
"""
