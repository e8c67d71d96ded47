"""I9: a value of one task, or of the kernel, is never where another task could read it.

Each task has values of its own, which it loads into registers: wherever these bytes stand, its data does. In user mode a
register is readable, PKRU among them, and what stands in a task's XSAVE area or in its thread.pkru will be in its registers; what
stands in user memory that a task was given is in its hands. XFD does not count as protection: it goes at the task's first use of
the component.

fork(2) copies registers, so a child may hold what was its parent's. Whether the parent had loaded it by then, the bytes do not
say: a value that reaches a child later by another way is not seen. What is the child's own is nobody else's, its parent's
neither.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from actors.machine.state import CpuState
from actors.system.invariants.contents import pieces
from actors.system.invariants.modes import host_user
from actors.system.invariants.subject import Check, Subject, User, runs
from protocol.handles import Program
from protocol.instructions import XsaveArea


class OnlyOwn(msgspec.Struct, frozen=True):
    """In a task's user mode no register holds a foreign value, and XFD_ERR nobody's bit."""

    program: Program
    foreign: tuple[bytes, ...]

    def __call__(self, cpu: CpuState) -> bool:
        """Decide."""
        if not runs(cpu, self.program) or not host_user(cpu):
            return True
        return not cpu.x.xfd_err and not _found(self.foreign, pieces(cpu.x))


class NotForeign(msgspec.Struct, frozen=True):
    """A value in memory, 64 bits, is not a foreign one."""

    foreign: tuple[bytes, ...]

    def __call__(self, value: int) -> bool:
        """Decide."""
        return word(value) not in self.foreign


class Untainted(msgspec.Struct, frozen=True):
    """No XSAVE area of a task holds a foreign value, whoever runs: nothing correct puts one there even for a step."""

    foreign: tuple[bytes, ...]

    def __call__(self, *areas: XsaveArea | None) -> bool:
        """Decide."""
        return not any(area is not None and _found(self.foreign, area.contents) for area in areas)


def word(value: int) -> bytes:
    """Return a 64-bit value as a vector register holds it."""
    return value.to_bytes(8, "little")


def i9(subject: Subject) -> Iterator[Check]:
    """I9, for registers on each CPU, for buffers, and for areas in user memory, each with all that were given it."""
    for cpu, user in subject.places():
        yield Check(
            f"I9: {user.task.name} finds nobody else's value in registers{subject.where(cpu)}",
            OnlyOwn(user.task.program, foreign(subject, user)),
            subject.of(cpu),
            kind="symptom",
        )
    for user in subject.users:
        yield Check(
            f"I9: {user.task.name}'s fpstate holds nobody else's value",
            Untainted(foreign(subject, user)),
            user.areas,
            kind="symptom",
        )
        if subject.kernel.ospke:
            yield Check(
                f"I9: {user.task.name}'s thread.pkru is nobody else's value",
                NotForeign(foreign(subject, user)),
                (user.task.pkru.cell,),
                kind="symptom",
            )
    for frame in dict.fromkeys(frame for user in subject.users for frame in user.frames):
        users = tuple(user for user in subject.users if frame in user.frames)
        yield Check(
            f"I9: {frame.name} holds nobody else's value",
            Untainted(foreign(subject, *users)),
            (frame.area,),
            kind="symptom",
        )


def foreign(subject: Subject, *users: User) -> tuple[bytes, ...]:
    """Return the values that none of these tasks may hold: those of tasks that they do not descend from, and the kernel's."""
    others = (
        values for owner, values in subject.secrets if not any(_may_hold(user, owner) for user in users)
    )
    return (*(value for values in others for value in values), *subject.kernel_values)


def _may_hold(user: User, owner: Program) -> bool:
    return user.task.program == owner or user.descends_from(owner)


def _found(foreign: tuple[bytes, ...], contents: Any) -> bool:
    return any(value in content for content in contents for value in foreign)
