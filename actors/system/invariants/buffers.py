"""I4, I5 and the kernel's own check: what a save or a restore is about to do with a buffer, at that instruction.

Whoever is about to execute one has said so: `xsaves` and `xrstors` are labels that hold the operation, with the mask that it is
executed with, from the step before the instruction to the instruction (`kernel.xstate_op`). A condition looks while that program
is on top of its CPU, so that its next step is this instruction.
"""

from collections.abc import Iterator

import msgspec

from actors.machine.state import CpuState
from actors.machine.xstate.components import COMPACTED, bits
from actors.machine.xstate.description import Description
from actors.machine.xstate.layout import standard_size
from actors.system.debug_fpu import XFD_VALIDATE_STATE, xstate_op_valid
from actors.system.invariants.subject import Check, Subject, User, is_current, of_named, runs
from actors.system.kernel.data import Fpstate
from actors.system.kernel.mm import UserArea
from actors.system.kernel.xstate_op import RESTORES, SAVES, XstateOp
from protocol.handles import Program
from protocol.instructions import XsaveArea


class Restorable(msgspec.Struct, frozen=True):
    """XRSTORS loads no component that XFD disables, and its buffer's format is one that XCR0 and XSS allow."""

    program: Program
    among: tuple[Fpstate, ...]

    def __call__(self, op: XstateOp | None, cpu: CpuState, *areas: XsaveArea | None) -> bool:
        """Decide, if the program is about to load an fpstate."""
        if op is None or op.frame is not None or not runs(cpu, self.program):
            return True
        area: XsaveArea | None = of_named(op.fpstate, self.among, areas)
        if area is None or area.xcomp_bv & ~(COMPACTED | cpu.x.xcr0 | cpu.x.xss):
            return False
        return not area.xstate_bv & op.rfbm & cpu.x.xfd


class FromUser(msgspec.Struct, frozen=True):
    """XRSTOR loads no component from user memory that XFD disables, whatever stands there: a #NM would have no fixup.

    A header that is none is #GP, which has one; so nothing is asked of it.
    """

    program: Program
    frame: UserArea

    def __call__(self, op: XstateOp | None, cpu: CpuState, area: XsaveArea) -> bool:
        """Decide, if the program is about to load this frame."""
        if op is None or op.frame != self.frame or not runs(cpu, self.program):
            return True
        return not area.xstate_bv & op.rfbm & cpu.x.xfd


class Roomy(msgspec.Struct, frozen=True):
    """XSAVES writes no component that its buffer has no room for, unless XFD keeps it from doing so.

    A frame in user memory, in the standard format, is as large as it was made, whatever the task's fpstate says.
    """

    program: Program
    among: tuple[Fpstate, ...]
    description: Description

    def __call__(self, op: XstateOp | None, cpu: CpuState, *areas: XsaveArea | None) -> bool:
        """Decide, if the program is about to save to one of these; who saves to another is not asked about."""
        known = op is not None and any(one.name == op.fpstate.name for one in self.among)
        if op is None or not known or not runs(cpu, self.program):
            return True
        if op.frame is not None:
            return standard_size(self.description, bits(op.rfbm & ~cpu.x.xfd)) <= op.frame.size
        area: XsaveArea | None = of_named(op.fpstate, self.among, areas)
        return area is not None and not op.rfbm & ~cpu.x.xfd & ~area.xcomp_bv


class Validated(msgspec.Struct, frozen=True):
    """xfd_validate_state(), which CONFIG_X86_DEBUG_FPU calls before each save and restore: its WARN does not trigger."""

    program: Program
    user: User
    among: tuple[Fpstate, ...]
    init: Fpstate
    rstor: bool

    def __call__(
        self, op: XstateOp | None, cpu: CpuState, xfd_state: int, current: Fpstate, *xfds: int | None
    ) -> bool:
        """Decide as the kernel does; `current` is current->thread.fpu.fpstate."""
        if op is None or not runs(cpu, self.program) or not is_current(cpu, self.user.task):
            return True
        return xstate_op_valid(
            op.fpstate,
            op.rfbm,
            target_xfd=of_named(op.fpstate, self.among, xfds),
            current_xfd=of_named(current, self.among, xfds),
            xfd_state=xfd_state,
            init=op.fpstate.name == self.init.name,
            rstor=self.rstor,
        )


def i4(subject: Subject) -> Iterator[Check]:
    """I4: before XRSTORS, XSTATE_BV & RFBM & XFD is 0, and XCOMP_BV is within XCR0|XSS; the first of XRSTOR from a frame too."""
    init = subject.kernel.init_fpstate
    for cpu, user in subject.places():
        program = user.task.program
        label = program.label(RESTORES)
        yield Check(
            f"I4: {program.name} restores what XFD allows{subject.where(cpu)}",
            Restorable(program, (*user.fpstates, init)),
            (label, *subject.of(cpu), *user.areas, init.regs),
        )
        for frame in user.frames:
            yield Check(
                f"I4: {program.name} restores of {frame.name} what XFD allows{subject.where(cpu)}",
                FromUser(program, frame),
                (label, *subject.of(cpu), frame.area),
            )


def i5(subject: Subject) -> Iterator[Check]:
    """I5: before XSAVES, and XSAVE to user memory, RFBM & ~XFD is within what the buffer has room for."""
    for cpu, user in subject.places():
        among = (*user.fpstates, *subject.of_children(user))
        for saver in subject.savers(cpu, user):
            yield Check(
                f"I5: {_whose(saver, user)} fits its buffer{subject.where(cpu)}",
                Roomy(saver, among, subject.model.description),
                (saver.label(SAVES), *subject.of(cpu), *(one.regs for one in among)),
            )


def xfd_validate_state(subject: Subject) -> Iterator[Check]:
    """xfd_validate_state: XFD's copy suits the fpstate that is saved or restored."""
    for cpu, user in subject.places():
        for program in subject.savers(cpu, user):
            yield _validated(subject, cpu, user, program, rstor=False)
        yield _validated(subject, cpu, user, user.task.program, rstor=True)


def _validated(subject: Subject, cpu: int, user: User, program: Program, *, rstor: bool) -> Check:
    init = subject.kernel.init_fpstate
    what = "restores" if rstor else "saves"
    who = program.name if program == user.task.program else f"{program.name}, in {user.task.name},"
    among = (*user.fpstates, init, *(() if rstor else subject.of_children(user)))
    reads = (*subject.of(cpu, "xfd_state"), user.task.fpstate.cell, *(one.xfd.cell for one in among))
    return Check(
        f"xfd_validate_state: {who} {what} under its XFD{subject.where(cpu)}",
        Validated(program, user, among, init, rstor),
        (program.label(RESTORES if rstor else SAVES), *reads),
        words=XFD_VALIDATE_STATE.words,
    )


def _whose(saver: Program, user: User) -> str:
    mine = saver == user.task.program
    return f"what {user.task.name} saves" if mine else f"what {saver.name} saves of {user.task.name}"
