"""Making an execution cheaper where there are too many to go through them all: changes that help are kept.

Three kinds of change are tried, until none of them helps or enough has been tried: two stretches of one program
are joined, by letting the first wait or the second come early; a stretch is left out, or its last step; and from
a late switch on, the cheapest way to the end is searched for. Each changed order is played, so what comes out
is always an execution, and it counts only if it ends in the same violation.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from actors.explore.minimising.cheapest import Log, Start, cheapest
from actors.explore.minimising.events import Events
from actors.explore.minimising.order import Order
from actors.explore.minimising.playing import Played, Taken, counted, play
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.graph import Graph, State

TRIED = 200_000
"""Steps of executions that are tried."""

_TAIL = 2_000  # states that are looked at behind one switch


class Stretch(NamedTuple):
    """Steps that one program takes without a switch: from the first, to behind the last."""

    name: str
    first: int
    end: int


def stretches(steps: list[Taken]) -> list[Stretch]:
    """Take an execution apart at its switches."""
    found: list[Stretch] = []
    for at, one in enumerate(steps):
        if found and found[-1].name == one.name:
            found[-1] = found[-1]._replace(end=at + 1)
        else:
            found.append(Stretch(one.name, at, at + 1))
    return found


def shortened(
    graph: Graph,
    played: Played,
    goal: Callable[[State], bool],
    order: Order,
    events: Events,
    stop: StopRequest = never,
) -> Played:
    """Return a cheaper execution to a goal, or the one given if none was found."""
    return _Shortening(graph, goal, order, events, stop).run(played)


class _Shortening:
    def __init__(
        self,
        graph: Graph,
        goal: Callable[[State], bool],
        order: Order,
        events: Events,
        stop: StopRequest,
    ) -> None:
        self._graph = graph
        self._goal = goal
        self._order = order
        self._events = events
        self._stop = stop
        self._left = TRIED

    def run(self, best: Played) -> Played:
        """Change it as long as that helps."""
        better: Played | None = best
        while better is not None:
            best = better
            better = self._once(best) or self._behind(best)
        return best

    def _cost(self, played: Played) -> int:
        return self._order.cost(counted(played, self._events))

    def _once(self, best: Played) -> Played | None:
        """Return the first change that helps."""
        cost = self._cost(best)
        limit = 4 * len(best.steps) + 100
        for wishes in _changed(best):
            if self._left <= 0 or self._stop():
                return None
            played = play(self._graph, wishes, limit)
            self._left -= len(played.steps)
            if self._goal(played.end) and self._cost(played) < cost:
                return played
        return None

    def _behind(self, best: Played) -> Played | None:
        """Search for a cheaper way from each switch to the end, the last switch first, while that is soon done."""
        cost = self._cost(best)
        for stretch in reversed(stretches(best.steps)):
            first = best.steps[stretch.first]
            before = self._cost(Played(best.steps[: stretch.first], first.state, "limit"))
            last = best.steps[stretch.first - 1].column if stretch.first else None
            start = Start(first.state, last)
            found = cheapest(
                self._graph,
                self._goal,
                self._order,
                self._events,
                bound=cost - before,
                start=start,
                limit=_TAIL,
                stop=self._stop,
            )
            if found.log is not None:
                return play(self._graph, [*best.log[: stretch.first], *found.log])
            if not found.complete:
                return None
        return None


def _changed(best: Played) -> Iterator[Log]:
    """Return the orders to try."""
    log, parts = best.log, stretches(best.steps)
    for at, one in enumerate(parts):
        again = next((other for other in parts[at + 1 :] if other.name == one.name), None)
        if again is None:
            continue
        mine, between, theirs = (
            log[one.first : one.end],
            log[one.end : again.first],
            log[again.first : again.end],
        )
        yield [*log[: one.first], *between, *mine, *log[again.first :]]
        yield [*log[: one.end], *theirs, *between, *log[again.end :]]
    for one in parts:
        yield [*log[: one.first], *log[one.end :]]
        yield [*log[: one.end - 1], *log[one.end :]]
