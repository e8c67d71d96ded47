"""I7: XCR0 and XSS are the host's whenever a host fpstate is saved or restored, or a task could be switched away from."""

from collections.abc import Iterator
from typing import Any

import msgspec

from actors.machine.state import CpuState
from actors.system.invariants.stable import preemptible
from actors.system.invariants.subject import Check, Subject, runs
from actors.system.kernel.xstate_op import RESTORES, SAVES
from protocol.handles import Program


class HostsOwn(msgspec.Struct, frozen=True):
    """XCR0 and XSS are those that the host set at boot."""

    xcr0: int
    xss: int

    def __call__(self, cpu: CpuState, *others: Any) -> bool:
        """Decide."""
        del others
        return cpu.x.xcr0 == self.xcr0 and cpu.x.xss == self.xss


class Before(msgspec.Struct, frozen=True):
    """So they are while a program stands before a save or a restore of an fpstate."""

    program: Program
    own: HostsOwn

    def __call__(self, cpu: CpuState, *labels: Any) -> bool:
        """Decide; `labels` are the program's `xsaves` and `xrstors`."""
        about_to = any(label is not None for label in labels)
        return not about_to or not runs(cpu, self.program) or self.own(cpu)


def i7(subject: Subject) -> Iterator[Check]:
    """I7, where a task may be preempted, and at each save and restore."""
    own = HostsOwn(subject.model.xcr0, 0)
    for cpu in range(subject.cpus):
        yield Check(
            f"I7: XCR0 and XSS are the host's{subject.where(cpu)}",
            own,
            subject.of(cpu, "preempt_count"),
            at=preemptible,
        )
        for program in (*(user.task.program for user in subject.users), *subject.handlers[cpu]):
            yield Check(
                f"I7: {program.name} saves and restores under the host's XCR0{subject.where(cpu)}",
                Before(program, own),
                (*subject.of(cpu), program.label(SAVES), program.label(RESTORES)),
            )
