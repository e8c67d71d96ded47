"""I10 and WARN: exceptions and warnings of the kernel's own code, as its routines note them while they go on."""

from collections.abc import Iterator

import msgspec

from actors.system.invariants.labels import unset
from actors.system.invariants.subject import Check, Subject
from actors.system.kernel.warnings import KERNEL_NM_TAKEN, WARNING, WARNINGS


class Unlike(msgspec.Struct, frozen=True):
    """A program's last warning is not this one."""

    words: str

    def __call__(self, warning: str | None) -> bool:
        """Decide."""
        return warning != self.words


def i10(subject: Subject) -> Iterator[Check]:
    """I10: #NM is never taken in host kernel mode. The kernel dies of one, but first its handler looks at XFD_ERR and CR0.TS."""
    for program in subject.programs():
        yield Check(
            f"I10: {program.name} takes no #NM in the kernel",
            unset,
            (program.label(KERNEL_NM_TAKEN),),
            kind="symptom",
            words="unexpected #NM exception",
        )


def warn(subject: Subject) -> Iterator[Check]:
    """WARN: no program hits a WARN() of the kernel; one condition for each, so that each is told in the kernel's words."""
    for program in subject.programs():
        for one in WARNINGS:
            what = one.text or one.function + "()"
            yield Check(
                f"WARN: {program.name}: {what}", Unlike(one.words), (program.label(WARNING),), words=one.words
            )
