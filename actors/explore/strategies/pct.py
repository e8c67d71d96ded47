"""PCT, probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010).

Each program has a priority, drawn when it is first seen, and the enabled one with the highest runs. At d - 1
steps, drawn beforehand among all, the program that would run falls below everybody else. A violation that
needs d ordering constraints (has *depth* d) among n programs that take at most k steps in all is found by one
execution with a probability of at least

    1 / (n * k**(d - 1))

whatever the orders are. k has to be known beforehand: it is taken as the longest execution so far, so the
guarantee does not cover the first ones. Outcomes of the hardware are drawn evenly; they are no part of it.
"""

from collections.abc import Hashable, Sequence

from actors.explore.sampled.draws import Draws
from actors.explore.sampled.position import Offer, Position

DEPTH = 3
"""d: enough for most known bugs, most of which have a depth of 1 or 2."""

_FIRST_LENGTH = 32


class Pct:
    """Priorities, and d - 1 points at which they change."""

    def __init__(self, seed: int, depth: int = DEPTH) -> None:
        self._seed = seed
        self._depth = depth
        self._longest = 0
        self.begin(1)

    def begin(self, number: int) -> None:
        """Draw the steps at which priorities change."""
        self._draws = Draws(self._seed, number)
        self._priorities: dict[Hashable, int] = {}
        length = self._longest or _FIRST_LENGTH
        points = {self._draws.below(length) for _ in range(self._depth - 1)}
        self._points = {step: place for place, step in enumerate(sorted(points), 1)}

    def program(self, at: Position) -> int:
        """The one of the highest priority; at a change point it falls first."""
        offers, priorities = at.offers, self._priorities
        best = self._best(offers)
        point = self._points.get(at.steps)
        if point is not None:
            # Below all that were drawn, the later the lower.
            priorities[offers[best].program] = -point
            best = self._best(offers)
        return best

    def _best(self, offers: Sequence[Offer]) -> int:
        priorities, draws = self._priorities, self._draws
        best, highest = 0, -self._depth
        for place, offer in enumerate(offers):
            priority = priorities.get(offer.program)
            if priority is None:
                priority = priorities[offer.program] = draws.bits()
            if priority > highest:
                best, highest = place, priority
        return best

    def outcome(self, at: Position, offer: Offer) -> int:
        """Any outcome."""
        del at
        return self._draws.below(offer.outcomes)

    def ended(self, at: Position) -> None:
        """Note how long executions are."""
        self._longest = max(self._longest, at.steps)
