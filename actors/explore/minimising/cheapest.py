"""The cheapest execution that ends in a violation: all of them are gone through, in the order of what they cost.

This is Dijkstra's algorithm on pairs of a state and the program that took the last step, since whether the next
step is a switch depends on that. A state is expanded fully only where it was reached at the least cost: coming
there dearer, by another program's step, helps nobody but that program, which goes on without a switch.

What it finds is exact: states are told apart by what they are. Executions that cost as much as one that is
known already are not looked at (`bound`), and beyond `limit` states the search gives up, and says up to which
cost it knows that there is nothing.
"""

import heapq
from collections.abc import Callable, Collection
from typing import NamedTuple

from actors.explore.minimising.events import Events
from actors.explore.minimising.order import MOST, Order
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.histories import Node
from actors.explore.tables.steps import Move

Log = list[tuple[str, int]]
"""An execution, as the program and the outcome of each step."""

LIMIT = 60_000
"""States that are looked at."""

Step = tuple[int, int, int]
"""A step that could be taken: from which place, by which of the enabled programs, with which outcome."""

_LAST = 16
_MASK = (1 << _LAST) - 1
_NOBODY = _MASK


class Found(NamedTuple):
    """What a search came to.

    `log` and `cost` are those of the cheapest execution below the bound, None if there is none. `complete` says
    that the search did not give up; `least` is a cost below which there is nothing.
    """

    log: Log | None
    cost: int | None
    complete: bool
    least: int
    states: int


class Start(NamedTuple):
    """Where to begin: a state, and the column of the program that took the last step."""

    state: State
    last: int | None = None


def cheapest(
    graph: Graph,
    goal: Callable[[State], bool],
    order: Order,
    events: Events,
    *,
    bound: int = MOST,
    start: Start | None = None,
    enders: Collection[int] | None = None,
    limit: int = LIMIT,
    stop: StopRequest = never,
) -> Found:
    """Search for the cheapest execution to a goal that costs less than `bound`.

    `enders` are the columns of the programs whose steps can lead to a goal, if that is known. It gives up beyond
    `limit` states, or if somebody asks to stop.
    """
    return _Search(graph, order, events, bound, enders).run(goal, start or Start(graph.first), limit, stop)


class _Search:
    def __init__(
        self, graph: Graph, order: Order, events: Events, bound: int, enders: Collection[int] | None
    ) -> None:
        self._graph = graph
        self._order = order
        self._events = events
        self._bound = bound
        self._enders = enders
        self._ahead = order.switch + order.step  # behind a step that cannot be the last one
        # A place is a state's number and the program of the last step in one integer: there are many of them.
        self._states: dict[int, State] = {}
        self._cost: dict[int, int] = {}
        self._came: dict[int, Step] = {}
        self._fully: dict[int, int] = {}
        self._waiting: dict[int, list[Step]] = {}
        self._leasts: list[int] = []

    def run(self, goal: Callable[[State], bool], start: Start, limit: int, stop: StopRequest) -> Found:
        """Search."""
        last = _NOBODY if start.last is None else start.last
        place = self._reach(start.state, last, 0)
        if place is not None and self._ends(goal, start.state, place, 0):
            return Found([], 0, True, 0, 1)
        least = 0
        while self._leasts:
            least = heapq.heappop(self._leasts)
            for step in self._waiting.pop(least):
                place = self._take(step, least)
                if place is not None and self._ends(
                    goal, self._states[place >> _LAST], place, self._cost[place]
                ):
                    return Found(self._log(place), self._cost[place], True, least, len(self._states))
            if len(self._states) > limit or stop():
                return Found(None, None, False, self._leasts[0] if self._leasts else least, len(self._states))
        return Found(None, None, True, self._bound, len(self._states))

    def _ends(self, goal: Callable[[State], bool], state: State, place: int, cost: int) -> bool:
        """Say whether a place is a goal; go on from there if nothing has ended."""
        if state.ending is None and self._graph.options(state):
            self._expand(state, place, cost)
            return False
        return goal(state)

    def _take(self, step: Step, least: int) -> int | None:
        """Take a step that has waited; return the place behind it, None if it was known to be reached as cheaply."""
        place, which, index = step
        before = self._states[place >> _LAST]
        assert before.options is not None
        column = before.options[which][0]
        state = before.after[which][index] or self._graph.follow(before, which, index)
        if self._enders is not None and column not in self._enders:
            least -= self._ahead
        found = self._reach(state, column if self._order.switch else _NOBODY, least)
        if found is not None:
            self._came[found] = step
        return found

    def _reach(self, state: State, last: int, cost: int) -> int | None:
        place = state.number << _LAST | last
        known = self._cost.get(place)
        if known is not None and known <= cost:
            return None
        self._states[state.number] = state
        self._cost[place] = cost
        return place

    def _expand(self, state: State, place: int, cost: int) -> None:
        """Let the program go on that took the last step, and the others too if nobody came here cheaper."""
        assert state.options is not None
        last, number = place & _MASK, place >> _LAST
        dearer = cost + self._order.step + (self._order.switch if last != _NOBODY else 0)
        fully = dearer < self._bound and cost < self._fully.get(number, self._bound)
        if fully:
            self._fully[number] = cost
        for which, (column, node, moves) in enumerate(state.options):
            if column == last:
                least = cost + self._order.step
            elif fully:
                least = dearer
            else:
                continue
            if self._enders is not None and column not in self._enders:
                least += self._ahead
            if column in self._events.sources:
                for index, move in enumerate(moves):
                    self._wait(least + self._event(state, column, node, move), (place, which, index))
            elif least < self._bound:
                for index in range(len(moves)):
                    self._wait(least, (place, which, index))

    def _event(self, state: State, column: int, node: Node, move: Move) -> int:
        return self._order.event if self._events.of(state, column, node, move) else 0

    def _wait(self, least: int, step: Step) -> None:
        waiting = self._waiting.get(least)
        if waiting is not None:
            waiting.append(step)
        elif least < self._bound:
            self._waiting[least] = [step]
            heapq.heappush(self._leasts, least)

    def _log(self, place: int) -> Log:
        log: Log = []
        while place in self._came:
            place, which, index = self._came[place]
            options = self._states[place >> _LAST].options
            assert options is not None
            log.append((options[which][1].name, index))
        return log[::-1]
