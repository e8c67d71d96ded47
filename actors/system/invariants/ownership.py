"""I3 and I6: whose state the registers hold, by what the kernel notes of it, and whether they do hold it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from actors.machine.state import CpuState
from actors.machine.xstate.description import Description
from actors.system.invariants.contents import same
from actors.system.invariants.stable import stable
from actors.system.invariants.subject import Check, Subject, User, is_current, of_named
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags
from actors.system.kernel.xstate_op import RESETS
from protocol.handles import Program
from protocol.instructions import XsaveArea


class Activated(msgspec.Struct, frozen=True):
    """If a task is current and TIF_NEED_FPU_LOAD is clear, then it owns the registers and its XFD is in force."""

    cpu: int
    user: User

    def __call__(
        self,
        cpu: CpuState,
        preempt_count: int,
        in_kernel_fpu: bool,
        owner: Program | None,
        flags: Flags,
        last_cpu: int,
        fpstate: Fpstate,
        resets: bool | None,
        *xfds: int,
    ) -> bool:
        """Decide; a guest may have written XFD unseen, and a task that exits, or execs, has given the registers up."""
        del preempt_count, in_kernel_fpu
        task = self.user.task
        if resets or not is_current(cpu, task) or flags & (Flags.TIF_NEED_FPU_LOAD | Flags.PF_EXITING):
            return True
        xfd = of_named(fpstate, self.user.fpstates, xfds)
        return owner == task.program and last_cpu == self.cpu and (cpu.in_guest or cpu.x.xfd == xfd)


class Valid(msgspec.Struct, frozen=True):
    """If fpregs_state_valid() says that a CPU's registers are a task's, then they hold that task's state.

    With TIF_NEED_FPU_LOAD set, or off CPU, the task's state is what its fpstate holds. While it is current with the flag clear,
    the registers themselves are its state. Components that its fpstate has no room for are initial.
    """

    cpu: int
    user: User
    features: int
    description: Description

    def __call__(
        self,
        cpu: CpuState,
        preempt_count: int,
        in_kernel_fpu: bool,
        owner: Program | None,
        flags: Flags,
        last_cpu: int,
        fpstate: Fpstate,
        resets: bool | None,
        *areas: XsaveArea | None,
    ) -> bool:
        """Decide on contents; at exec the fpstate is another than the registers were loaded from, until last_cpu says so.

        Nobody loads the state of a task that exits again, so a CPU that still takes it for the owner harms nobody.
        """
        del preempt_count, in_kernel_fpu
        task = self.user.task
        if resets or flags & Flags.PF_EXITING or owner != task.program or last_cpu != self.cpu:
            return True
        if is_current(cpu, task) and not flags & Flags.TIF_NEED_FPU_LOAD:
            return True
        area = of_named(fpstate, self.user.fpstates, areas)
        return area is not None and same(cpu.x, area, self.features, self.description)


def i3(subject: Subject) -> Iterator[Check]:
    """I3: current user task, flag clear: owner is that task, last_cpu this CPU, XFD that of its fpstate."""
    for cpu, user in subject.places():
        yield Check(
            f"I3: {user.task.name}'s registers are loaded{subject.where(cpu)}",
            Activated(cpu, user),
            (*_noted(subject, cpu, user), *user.xfds),
            at=stable,
        )


def i6(subject: Subject) -> Iterator[Check]:
    """I6: registers that are valid for a task hold its state."""
    for cpu, user in subject.places():
        yield Check(
            f"I6: registers valid for {user.task.name} are its{subject.where(cpu)}",
            Valid(cpu, user, subject.kernel.features, subject.model.description),
            (*_noted(subject, cpu, user), *user.areas),
            at=stable,
        )


def _noted(subject: Subject, cpu: int, user: User) -> tuple[Any, ...]:
    task = user.task
    of_task = (task.flags.cell, task.last_cpu.cell, task.fpstate.cell, task.program.label(RESETS))
    return (*subject.of(cpu, "preempt_count", "in_kernel_fpu", "owner"), *of_task)
