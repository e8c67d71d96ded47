"""What executions come to, one after another: counts, and the shortest violation of each kind."""

from collections.abc import Callable, Sequence

import msgspec

from actors.explore.results import Unreproduced
from actors.runtime.execution import Ending


class Sample(msgspec.Struct, frozen=True):
    """An execution that violated something: its number, length and choices, and what it violated."""

    number: int
    steps: int
    names: tuple[str, ...]
    choices: tuple[int, ...]


class Tally:
    """What has been done so far."""

    def __init__(self) -> None:
        self.done = self.steps = self.violations = self.undecided = 0
        self.met: set[str] = set()
        self.shortest: dict[frozenset[str], Sample] = {}
        self.unreproduced: list[Unreproduced] = []
        self.orders: set[tuple[tuple[str, int], ...]] = set()
        self.stopped = False

    @property
    def wrong(self) -> bool:
        """Whether anything has gone wrong."""
        return bool(self.violations or self.unreproduced)

    def note(
        self, number: int, ending: Ending | None, steps: int, names: tuple[str, ...], choices: Sequence[int]
    ) -> None:
        """Count one execution."""
        self.done += 1
        self.steps += steps
        self.undecided += ending == "limit"
        if ending == "violated":
            self.violations += 1
            self.keep(number, steps, names, lambda: choices)

    def add(self, done: int, steps: int, violations: int, undecided: int) -> None:
        """Count many executions."""
        self.done += done
        self.steps += steps
        self.violations += violations
        self.undecided += undecided

    def keep(
        self, number: int, steps: int, names: tuple[str, ...], choices: Callable[[], Sequence[int]]
    ) -> None:
        """Keep a violation if it is the shortest of its kind; only then are its choices asked for."""
        known = self.shortest.get(frozenset(names))
        if known is None or steps < known.steps:
            self.shortest[frozenset(names)] = Sample(number, steps, names, tuple(choices()))

    def lost(self, number: int, names: Sequence[str], why: str) -> None:
        """Note what did not come out the same again."""
        self.unreproduced.append(Unreproduced(number, tuple(names), why))
