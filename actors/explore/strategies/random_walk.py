"""The random walk: every enabled program is as likely as the others to take the next step.

The simplest strategy and a good one for races that need few preemptions at likely places. It is unfair to
orders that need one program to be left alone for long: the chance of k steps in a row among n programs is n
to the power of -k.

One draw a step decides: its upper half which program, its lower half which outcome. `sampled.columns` walks
thousands at once by the same draws.
"""

from actors.explore.sampled.draws import below, below_too, draw, stream
from actors.explore.sampled.position import Offer, Position


class RandomWalk:
    """Uniform choices, drawn from the seed, the execution's number and the step's."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.begin(1)

    def begin(self, number: int) -> None:
        """Take the draws of that execution."""
        self._base = stream(self._seed, number)

    def program(self, at: Position) -> int:
        """Any program that is enabled."""
        return below(draw(self._base, at.steps + 1), len(at.offers))

    def outcome(self, at: Position, offer: Offer) -> int:
        """Any outcome."""
        return below_too(draw(self._base, at.steps + 1), offer.outcomes)

    def ended(self, at: Position) -> None:
        """Learn nothing."""
