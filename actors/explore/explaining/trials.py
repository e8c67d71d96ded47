"""Trying other orders of an execution's steps, until enough has been tried."""

from actors.explore.minimising.cheapest import Log
from actors.explore.minimising.minimal import Counterexample
from actors.explore.minimising.playing import Allowance, Played, events_of, play

TRIED = 200_000
"""Steps of orders that are tried."""

_LONGER = 4_000  # steps that another order may take more than the one that is explained; there are worlds without end


class Trials:
    """Plays orders of the events of a counterexample, on its graph.

    An order passes if it comes to its end, violates nothing, and each source has had exactly as many events of each
    class as in the counterexample: an event that does not happen, or one more, is no change of order.
    """

    def __init__(self, given: Counterexample, most: int = TRIED) -> None:
        self._graph = given.graph
        self._events = given.events
        self._happened = events_of(given.played, given.events)
        self._limit = 4 * len(given.played.steps) + _LONGER
        self._left = most

    def played(self, wishes: Log) -> Played | None:
        """Play an order; None if enough has been tried."""
        if self._left <= 0:
            return None
        played = play(self._graph, wishes, self._limit, Allowance(self._events, self._happened))
        self._left -= len(played.steps)
        return played

    def passes(self, wishes: Log) -> Played | None:
        """Play an order; None if it does not pass."""
        played = self.played(wishes)
        return played if played is not None and played.ending == "finished" else None
