"""A strategy that lets Hypothesis choose, in such a way that what it finds shrinks to few context switches.

Hypothesis shrinks by making what was drawn shorter, and then its numbers smaller. So 0 is always the default: the program
that took the last step goes on, and the hardware takes the first outcome. And how often an execution may depart from the
default is drawn first: once it has done so that often, no more choices of programs are drawn. Without that bound the
shortest list of draws would be that of the execution in which there is least to choose, since all interrupts come early, and
not the one that departs least from the default order.

Measured on the shapes of the zoo and on the scenarios against drawing at each step without a bound, against drawing the
distances between departures, and against drawing them in blocks: this one ends nearest to the fewest switches, and needs few
executions for it.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from actors.explore.sampled.position import Offer, Position

Draw = Callable[[SearchStrategy[Any]], Any]

DEPARTURES = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 64, 1 << 30)
"""How often an execution may depart from the default order: mostly seldom, since few bugs need more; the last one is no bound."""


class Drawn:
    """The choices of one execution, drawn as they are needed; a Strategy."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._left = 0
        self._last = ""

    def begin(self, number: int) -> None:
        """Draw how often the execution may depart from the default."""
        del number
        self._left, self._last = self._draw(st.sampled_from(DEPARTURES)), ""

    def program(self, at: Position) -> int:
        """Go on with the same program, or depart from that, while there are departures left."""
        offers = at.offers
        choice = 0
        if self._left and len(offers) > 1:
            choice = self._draw(st.integers(0, len(offers) - 1))
            self._left -= choice > 0
        place = next((place for place, one in enumerate(offers) if one.program == self._last), 0)
        if choice:
            place = choice - 1 if choice <= place else choice
        self._last = offers[place].program
        return place

    def outcome(self, at: Position, offer: Offer) -> int:
        """Any outcome, the first one rather than others."""
        del at
        outcome: int = self._draw(st.integers(0, offer.outcomes - 1))
        return outcome

    def ended(self, at: Position) -> None:
        """Nothing is learnt from one execution for another."""
