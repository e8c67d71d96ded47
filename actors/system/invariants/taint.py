"""I9: a value of one task, or of the kernel, is never where another task could read it.

Each task has values of its own, which it loads into registers: wherever these bytes stand, its data does. In user mode a
register is readable, and what stands in a task's XSAVE area will be in its registers. XFD does not count as protection: it goes
at the task's first use of the component.
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
    """I9, for registers on each CPU, and for buffers."""
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


def foreign(subject: Subject, user: User) -> tuple[bytes, ...]:
    """Return the values that are not this task's: those of other tasks, and the kernel's."""
    others = (values for owner, values in subject.secrets if owner != user.task.program)
    return (*(value for values in others for value in values), *subject.kernel_values)


def _found(foreign: tuple[bytes, ...], contents: Any) -> bool:
    return any(value in content for content in contents for value in foreign)
