"""The JSON object of `conform`: lines counted by set. Errors of that command have this shape too, with no set."""

import msgspec

from actors.machine.conform.verdicts import Verdict


class Tally(msgspec.Struct):
    """The lines of one set: passed, failed, and stopped at an instruction that is not to be trusted."""

    name: str
    lines: int = 0
    passed: int = 0
    failed: int = 0
    stopped: int = 0

    def count(self, verdict: Verdict) -> None:
        """Count one more line."""
        self.lines += 1
        setattr(self, verdict.kind, getattr(self, verdict.kind) + 1)


class Report(msgspec.Struct):
    """The sets in the order in which they were met, and what the counts alone do not say."""

    sets: list[Tally]
    message: str | None = None
