"""I4, I5 and the kernel's own check: what a save or a restore is about to do with a buffer, at that instruction.

Whoever is about to execute one has said so: `xsaves` and `xrstors` are labels that hold the fpstate from the step before the
instruction to the instruction. A condition looks while that program is on top of its CPU, so that its next step is this
instruction.
"""

from collections.abc import Iterator

import msgspec

from actors.machine.state import CpuState
from actors.machine.xstate.components import COMPACTED, PKRU
from actors.system.invariants.subject import Check, Subject, User, is_current, of_named, runs
from actors.system.kernel.data import Fpstate
from protocol.handles import Program
from protocol.instructions import XsaveArea

WARNING = "WARNING: arch/x86/kernel/fpu/xstate.c: xfd_validate_state"
"""What WARN_ON_ONCE() prints of it, but for line and offset."""


class Restorable(msgspec.Struct, frozen=True):
    """XRSTORS loads no component that XFD disables, and its buffer's format is one that XCR0 and XSS allow."""

    program: Program
    among: tuple[Fpstate, ...]
    rfbm: int

    def __call__(self, fpstate: Fpstate | None, cpu: CpuState, *areas: XsaveArea | None) -> bool:
        """Decide, if the program is about to load `fpstate`."""
        if fpstate is None or not runs(cpu, self.program):
            return True
        area: XsaveArea | None = of_named(fpstate, self.among, areas)
        if area is None or area.xcomp_bv & ~(COMPACTED | cpu.x.xcr0 | cpu.x.xss):
            return False
        return not area.xstate_bv & self.rfbm & cpu.x.xfd


class Roomy(msgspec.Struct, frozen=True):
    """XSAVES writes no component that its buffer has no room for, unless XFD keeps it from doing so."""

    program: Program
    among: tuple[Fpstate, ...]

    def __call__(self, fpstate: Fpstate | None, cpu: CpuState, *areas: XsaveArea | None) -> bool:
        """Decide, if the program is about to save to one of these; who saves to another is not asked about."""
        if fpstate is None or not runs(cpu, self.program) or fpstate not in self.among:
            return True
        area: XsaveArea | None = of_named(fpstate, self.among, areas)
        return area is not None and not fpstate.xfeatures & ~cpu.x.xfd & ~area.xcomp_bv


class Validated(msgspec.Struct, frozen=True):
    """xfd_validate_state(), which CONFIG_X86_DEBUG_FPU calls before each save and restore: its WARN does not trigger."""

    program: Program
    user: User
    init: Fpstate
    rstor: bool
    mask: int

    def __call__(
        self,
        fpstate: Fpstate | None,
        cpu: CpuState,
        xfd_state: int,
        current: Fpstate,
        init_xfd: int,
        *xfds: int,
    ) -> bool:
        """Decide as the kernel does; `current` is current->thread.fpu.fpstate."""
        if fpstate is None or not runs(cpu, self.program) or not is_current(cpu, self.user.task):
            return True
        among, values = (*self.user.fpstates, self.init), (*xfds, init_xfd)
        xfd = of_named(fpstate, among, values)
        if xfd == xfd_state:
            return True
        if xfd == of_named(current, among, values):
            return False
        if fpstate.name == self.init.name:
            return self.rstor
        mask = self.mask if self.rstor else fpstate.xfeatures
        return not mask & ~xfd_state & ~fpstate.xfeatures


def i4(subject: Subject) -> Iterator[Check]:
    """I4: before XRSTORS, XSTATE_BV & RFBM & XFD is 0, and XCOMP_BV is within XCR0|XSS."""
    init = subject.kernel.init_fpstate
    for cpu, user in subject.places():
        program = user.task.program
        yield Check(
            f"I4: {program.name} restores what XFD allows{subject.where(cpu)}",
            Restorable(program, (*user.fpstates, init), subject.kernel.features & ~PKRU),
            (program.label("xrstors"), *subject.of(cpu), *user.areas, init.regs),
        )


def i5(subject: Subject) -> Iterator[Check]:
    """I5: before XSAVES, RFBM & ~XFD is within what the buffer has room for."""
    for cpu, user in subject.places():
        for saver in subject.savers(cpu, user):
            yield Check(
                f"I5: {_whose(saver, user)} fits its buffer{subject.where(cpu)}",
                Roomy(saver, user.fpstates),
                (saver.label("xsaves"), *subject.of(cpu), *user.areas),
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
    reads = (*subject.of(cpu, "xfd_state"), user.task.fpstate.cell, init.xfd.cell, *user.xfds)
    return Check(
        f"xfd_validate_state: {who} {what} under its XFD{subject.where(cpu)}",
        Validated(program, user, init, rstor, subject.kernel.features & ~PKRU),
        (program.label("xrstors" if rstor else "xsaves"), *reads),
        words=WARNING,
    )


def _whose(saver: Program, user: User) -> str:
    mine = saver == user.task.program
    return f"what {user.task.name} saves" if mine else f"what {saver.name} saves of {user.task.name}"
