"""What each instruction does, as a table from message type to rule.

Rules check in the manual's order: privilege (#GP) comes first where an instruction has one, then #UD, #NM from CR0.TS, and
#NM from XFD; XSAVES and XRSTORS check privilege behind CR0.TS. An instruction that is not in the table is #UD. Sources stand
with the pure functions in `xstate`; SDM volume 2 for each instruction otherwise.
"""

import msgspec

from actors.machine.model import CpuModel
from actors.machine.state import Ring, Saved
from actors.machine.step import (
    Effect,
    Effects,
    Rule,
    Step,
    done,
    general_protection,
    raise_exception,
    retire,
    undefined,
)
from actors.machine.xstate import msr, tiles, xcr0, xsave
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xfd import device_not_available, disabled
from protocol import instructions as op
from protocol.registers import Component, Vector
from protocol.replies import Data, Value


def not_available(step: Step, needed: int) -> Effects | None:
    """Return the #NM of an instruction that needs these components, or None if it may execute.

    CR0.TS comes first and leaves XFD_ERR alone.
    """
    if step.cpu.cr0_ts:
        return raise_exception(step.cpu, Vector.NM)
    if not disabled(step.cpu.x, needed):
        return None
    armed = msgspec.structs.replace(step.cpu, x=device_not_available(step.cpu.x, needed, step.model))
    return raise_exception(armed, Vector.NM)


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
    value = msr.rdmsr(step.cpu.x, step.message.msr)
    return general_protection(step) if value is None else done(step.cpu, Value(value))


def _wrmsr(step: Step) -> Effects:
    ways = msr.wrmsr(step.cpu.x, step.message.msr, step.message.value, step.model)
    if not ways:
        return general_protection(step)
    return tuple(Effect(msgspec.structs.replace(step.cpu, x=x), label=label) for label, x in ways)


def _xgetbv(step: Step) -> Effects:
    value = xcr0.xgetbv(step.cpu.x, step.message.ecx)
    return general_protection(step) if value is None else done(step.cpu, Value(value))


def _xsetbv(step: Step) -> Effects:
    wrong_register = step.message.ecx & 0xFFFF_FFFF != 0
    if wrong_register or xcr0.refuses(step.message.value, step.model.xcr0):
        return general_protection(step)
    return retire(step, msgspec.structs.replace(step.cpu.x, xcr0=step.message.value))


def _mov_cr0_ts(step: Step) -> Effects:
    return done(msgspec.structs.replace(step.cpu, cr0_ts=step.message.ts))


def _supervisor_form(step: Step) -> Effects | None:
    """Return the fault that XSAVES and XRSTORS have in common, or None; the one of CR0.TS comes before that of the CPL."""
    if xsave.unmodelled(step.message.rfbm):
        return undefined(step)
    if step.cpu.cr0_ts:
        return raise_exception(step.cpu, Vector.NM)
    return general_protection(step) if step.cpu.top.ring is Ring.USER else None


def _xsaves(step: Step) -> Effects:
    return _supervisor_form(step) or done(
        step.cpu, Effect(step.cpu).reply, (step.message.area, xsave.xsaves(step.cpu.x, step.message.rfbm))
    )


def _xrstors(step: Step) -> Effects:
    rfbm, area = step.message.rfbm, step.values[step.message.area]
    fault = _supervisor_form(step)
    if fault is None and xsave.refuses(step.cpu.x, area):
        fault = general_protection(step)
    fault = fault or not_available(step, xsave.to_load(step.cpu.x, rfbm, area))
    return fault or retire(step, xsave.xrstors(step.cpu.x, rfbm, area))


def _tile(step: Step, needed: int, *, tile: int | None) -> Effects | None:
    """Return the fault of an AMX instruction, or None: not enabled, tile not configured, then #NM."""
    x = step.cpu.x
    if not tiles.enabled(x) or (tile is not None and tiles.shape(x, tile) is None):
        return undefined(step)
    return not_available(step, needed)


def _ldtilecfg(step: Step) -> Effects:
    fault = _tile(step, 0, tile=None)
    if fault is None and not tiles.acceptable(step.message.config):
        fault = general_protection(step)
    return fault or retire(step, tiles.ldtilecfg(step.cpu.x, step.message.config))


def _sttilecfg(step: Step) -> Effects:
    fault = _tile(step, 0, tile=None)
    return fault or done(step.cpu, Data(step.cpu.x.content(Component.TILECFG)))


def _tileloadd(step: Step) -> Effects:
    fault = _tile(step, tiles.NEEDED, tile=step.message.tile)
    return fault or retire(step, tiles.tileloadd(step.cpu.x, step.message.tile, step.message.data))


def _tilestored(step: Step) -> Effects:
    fault = _tile(step, tiles.NEEDED, tile=step.message.tile)
    return fault or done(step.cpu, Data(tiles.tilestored(step.cpu.x, step.message.tile)))


def _tilezero(step: Step) -> Effects:
    fault = _tile(step, tiles.NEEDED, tile=step.message.tile)
    return fault or retire(step, tiles.tilezero(step.cpu.x, step.message.tile))


def _tilerelease(step: Step) -> Effects:
    return _tile(step, 0, tile=None) or retire(step, tiles.tilerelease(step.cpu.x))


def _touch(step: Step) -> Effects:
    component = step.message.component
    if not _touchable(step.cpu.x, step.model, component):
        return undefined(step)
    fault = not_available(step, 1 << component)
    size = len(step.cpu.x.content(component))
    content = step.message.data[:size].ljust(size, b"\0")
    return fault or retire(step, step.cpu.x.loaded(component, content))


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
