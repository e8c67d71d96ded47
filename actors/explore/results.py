"""What exploring answers: findings, and what was covered, as values.

A finding is reported only after it has been run again from its choices alone, in a world built anew. One that
did not come out the same is kept apart as `Unreproduced`: it is a bug in vmrace, or in what it rests on, and
no finding.
"""

import msgspec

from protocol.records import Kind, Record, Verdict


class Recorded(msgspec.Struct, frozen=True):
    """One execution, written down: what a person is shown, the token that names it, and what it met.

    `sometimes` says of each such condition whether the execution met it.
    `token` is empty for an execution that the limit on steps ended: it has no end that a replay could be
    compared with.
    """

    record: Record
    token: str
    digest: int
    rolling: bytes
    sometimes: dict[str, bool]
    undecided: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is violated."""
        return self.record.violation.names if self.record.violation is not None else ()

    @property
    def verdict(self) -> Verdict:
        """The verdict of this one execution."""
        if self.record.violation is not None:
            return "violated"
        return "inconclusive" if self.undecided else "not found"


class Finding(msgspec.Struct, frozen=True):
    """A violation, confirmed by a replay; `execution` is the number of the execution that met it."""

    execution: int
    recorded: Recorded


class Unreproduced(msgspec.Struct, frozen=True):
    """A violation that was met once and not again."""

    execution: int
    names: tuple[str, ...]
    why: str


class Exploration(msgspec.Struct, frozen=True):
    """What sampling found and covered.

    `sometimes` says of each such condition whether it was met. `undecided` counts executions that the limit
    on steps ended, `violations` those that violated something. `orders` counts distinct logs of free-running
    executions. `stopped` says that somebody asked to stop before all of `wanted` were done. `note` is what the
    strategy has to say of its own doing: whether it was exact, for example.
    """

    scenario: str
    parameters: tuple[tuple[str, str], ...]
    model: str
    wanted: int
    executions: int
    steps: int
    seconds: float
    sometimes: dict[str, bool]
    findings: tuple[Finding, ...] = ()
    unreproduced: tuple[Unreproduced, ...] = ()
    violations: int = 0
    undecided: int = 0
    orders: int | None = None
    stopped: bool = False
    note: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict; only a confirmed finding is one."""
        if self.findings:
            return "violated"
        if self.undecided or self.stopped or self.unreproduced:
            return "inconclusive"
        return "not found"

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of all that is violated, in the order in which it was found."""
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.recorded.names))

    @property
    def kind(self) -> Kind | None:
        """Whether somebody is harmed, or only a rule."""
        kinds = {
            finding.recorded.record.violation.kind
            for finding in self.findings
            if finding.recorded.record.violation
        }
        return "symptom" if "symptom" in kinds else "hygiene" if kinds else None
