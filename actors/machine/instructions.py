"""What each instruction does, as a table from message type to rule.

Those on extended state are in `extended`. Privilege (#GP) comes first where an instruction has it in `PRIVILEGED`; the others
look at it themselves. An instruction that is not in the table is #UD.
"""

import msgspec

from actors.machine import extended
from actors.machine.state import Ring, Saved
from actors.machine.step import Effect, Effects, Rule, Step, done
from protocol import instructions as op
from protocol.replies import Value

CR0_TS = 1 << 3
RFLAGS_IF = 1 << 9


def _nop(step: Step) -> Effects:
    return done(step.cpu)


def _cli(step: Step) -> Effects:
    return done(msgspec.structs.replace(step.cpu, interrupt_flag=False))


def _sti(step: Step) -> Effects:
    return done(
        msgspec.structs.replace(step.cpu, interrupt_flag=True, sti_shadow=not step.cpu.interrupt_flag)
    )


def _pushf(step: Step) -> Effects:
    return done(step.cpu, Value(RFLAGS_IF if step.cpu.interrupt_flag else 0))


def _syscall(step: Step) -> Effects:
    frame = step.cpu.top
    entered = msgspec.structs.replace(
        frame, ring=Ring.KERNEL, saved=(*frame.saved, Saved(frame.ring, step.cpu.interrupt_flag))
    )
    return done(msgspec.structs.replace(step.cpu, frames=(*step.cpu.frames[:-1], entered)))


def _jmp_far(step: Step) -> Effects:
    frame = step.cpu.top
    there = msgspec.structs.replace(frame, ring=frame.ring.beside(long_mode=step.message.long_mode))
    return done(msgspec.structs.replace(step.cpu, frames=(*step.cpu.frames[:-1], there)))


def _mov_cr0_ts(step: Step) -> Effects:
    return done(msgspec.structs.replace(step.cpu, cr0_ts=step.message.ts))


def _mov_from_cr0(step: Step) -> Effects:
    return done(step.cpu, Value(CR0_TS if step.cpu.cr0_ts else 0))


def _mov_cr4_osxsave(step: Step) -> Effects:
    return done(msgspec.structs.replace(step.cpu, cr4_osxsave=step.message.osxsave))


def _load(step: Step) -> Effects:
    return done(step.cpu, step.values[step.message.cell])


def _current(step: Step) -> Effects:
    return done(step.cpu, step.cpu.frames[0].program)


def _store(step: Step) -> Effects:
    return done(step.cpu, Effect(step.cpu).reply, (step.message.cell, step.message.value))


RULES: dict[type, Rule] = {
    **extended.RULES,
    op.Nop: _nop,
    op.Cli: _cli,
    op.Sti: _sti,
    op.Pushf: _pushf,
    op.Syscall: _syscall,
    op.JmpFar: _jmp_far,
    op.MovCr0Ts: _mov_cr0_ts,
    op.MovFromCr0: _mov_from_cr0,
    op.MovCr4Osxsave: _mov_cr4_osxsave,
    op.Load: _load,
    op.Store: _store,
    op.Current: _current,
}

PRIVILEGED: frozenset[type] = frozenset(
    {
        op.Cli,
        op.Sti,
        op.Hlt,
        op.Iret,
        op.Rdmsr,
        op.Wrmsr,
        op.MovCr0Ts,
        op.MovFromCr0,
        op.MovCr4Osxsave,
        op.SwitchTo,
        op.PlayDead,
        op.Reset,
        op.Vmenter,
        op.Vmread,
        op.Vmwrite,
        op.Vmcontrol,
        op.Vminject,
    }
)
"""Instructions that are #GP(0) at CPL 3 (CLI and STI with IOPL 0; IRET stands for a return from the kernel).

XSETBV, XSAVES and XRSTORS are too, but look at CR4.OSXSAVE, and the latter two at CR0.TS, first.
"""

LONG_MODE: frozenset[type] = frozenset({op.Vmenter, op.Vmread, op.Vmwrite, op.Vmcontrol, op.Vminject})
"""Instructions that are #UD in compatibility mode, at whatever CPL: those of VMX. AMX instructions are too, and see to it
themselves."""
