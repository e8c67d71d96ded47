"""POS, partial order sampling (Yuan, Yang, Gu, CAV 2018): random priorities of steps, not of programs.

Each pending step has a priority of its own and the highest runs. When it has run, the steps that raced with
it (one of the two writes what the other touches) draw again: so the orders of independent steps, which are
all the same, take no part of the probability, and each order of racing ones gets some.
"""

from collections.abc import Hashable

from actors.explore.sampled.draws import Draws
from actors.explore.sampled.position import Offer, Position


class Pos:
    """A priority for each pending step."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.begin(1)

    def begin(self, number: int) -> None:
        """Forget all priorities."""
        self._draws = Draws(self._seed, number)
        self._priorities: dict[Hashable, int] = {}

    def program(self, at: Position) -> int:
        """The one whose step has the highest priority; it and those that race with it will draw again."""
        priorities, draws, offers = self._priorities, self._draws, at.offers
        best, highest = 0, -1
        for place, offer in enumerate(offers):
            priority = priorities.get(offer.program)
            if priority is None:
                priority = priorities[offer.program] = draws.bits()
            if priority > highest:
                best, highest = place, priority
        chosen = offers[best]
        writes, touched = set(chosen.writes), {*chosen.reads, *chosen.writes}
        for offer in offers:
            if not (touched.isdisjoint(offer.writes) and writes.isdisjoint(offer.reads)):
                del priorities[offer.program]
        priorities.pop(chosen.program, None)
        return best

    def outcome(self, at: Position, offer: Offer) -> int:
        """Any outcome."""
        del at
        return self._draws.below(offer.outcomes)

    def ended(self, at: Position) -> None:
        """Learn nothing."""
