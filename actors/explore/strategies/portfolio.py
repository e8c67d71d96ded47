"""The portfolio: `fresh` leads, and the others take turns at every sixth execution.

No strategy is the best for every race, and nobody knows beforehand which one it will be. What leads is what
finds most of the known ones in the fewest executions; what takes turns has its strength elsewhere: POS where
steps race at random, PCT where a bug is deep in few programs, URW where one order among very many is bad, the
random walk where nothing helps.
"""

from collections.abc import Sequence

from actors.explore.sampled.position import Offer, Position, Strategy

EVERY = 6
"""One execution of so many is of the strategies that take turns."""


class Portfolio:
    """One strategy that leads, and others that take turns."""

    def __init__(self, leads: Strategy, others: Sequence[Strategy], every: int = EVERY) -> None:
        self._every = every
        self._leads = leads
        self._others = others
        self.begin(1)

    def begin(self, number: int) -> None:
        """Let one of them make the choices of this execution."""
        turn, own = divmod(number, self._every)
        self._now = self._leads if own else self._others[(turn - 1) % len(self._others)]
        self._now.begin(number)

    def program(self, at: Position) -> int:
        """Ask the one whose turn it is."""
        return self._now.program(at)

    def outcome(self, at: Position, offer: Offer) -> int:
        """Ask the one whose turn it is."""
        return self._now.outcome(at, offer)

    def ended(self, at: Position) -> None:
        """Tell the one whose turn it was."""
        self._now.ended(at)
