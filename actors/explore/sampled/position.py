"""What a strategy sees of an execution: who could go on, what that would touch, and where the world stands.

Programs are offered in the order of creation, required ones first, whoever drives the execution; so the same
draws choose the same programs everywhere. Values in here (places in the code, cells, states) are good for
telling whether two are the same, and for nothing else; where coroutines are stepped, on Trio too, only within one
execution. So `fresh`, which remembers states from one execution to the next, chooses otherwise there than on tables.
"""

from collections.abc import Collection, Hashable, Sequence
from typing import Protocol


class Offer:
    """A program that is enabled, with the message that it is parked at.

    `outcomes` says how many there are. `where` is the place in the code, `reads` and `writes` are the cells
    that the message touches. `local` says that no other program can notice: it spawns, or touches nothing.
    `kind` is the same for offers that differ in their program alone, `answers` names what the program would be
    told (for each outcome), as far as that is known beforehand.
    """

    __slots__ = ("answers", "kind", "local", "outcomes", "program", "reads", "where", "writes")

    def __init__(
        self,
        program: str,
        outcomes: int,
        where: Hashable,
        reads: Collection[Hashable],
        writes: Collection[Hashable],
        *,
        local: bool,
        kind: Hashable,
        answers: tuple[Hashable, ...],
    ) -> None:
        self.program = program
        self.outcomes = outcomes
        self.where = where
        self.reads = reads
        self.writes = writes
        self.local = local
        self.kind = kind
        self.answers = answers


class Position(Protocol):
    """Where an execution stands."""

    @property
    def steps(self) -> int:
        """How many steps have been taken."""

    @property
    def offers(self) -> Sequence[Offer]:
        """The programs that are enabled."""

    @property
    def state(self) -> Hashable:
        """The state that the world is in: two that are the same go on in the same ways."""

    def labelled(self, program: str, label: str) -> bool:
        """Say whether a label of a program is set."""


class Strategy(Protocol):
    """Makes the choices of many executions."""

    def begin(self, number: int) -> None:
        """Get ready for the execution of that number; the first is 1."""

    def program(self, at: Position) -> int:
        """Return the place among `at.offers` of the program that takes the next step."""

    def outcome(self, at: Position, offer: Offer) -> int:
        """Return which outcome the hardware takes; asked only if there are several."""

    def ended(self, at: Position) -> None:
        """Take note that the execution has ended."""
