"""The cheapest execution that ends in a violation: all of them are gone through, in the order of what they cost.

This is A* on pairs of a state and the program that took the last step, since whether the next step is a switch
depends on that. Added to the cost are the switches that have to come yet, as far as it is known whose steps are
missing (`waiting`, which also says which orders need not be looked at). A state is expanded fully only where it
was reached at the least cost: coming there dearer, by another program's step, helps nobody but that program,
which goes on without a switch. A step that leaves all as it was is left out, as one of a program that polls:
nothing comes of it, and without it the execution costs no more. Steps are worked out when it is their turn.

What it finds is exact: states are told apart by what they are. Executions that cost as much as one that is
known already are not looked at (`bound`), and beyond `limit` states the search gives up, and says up to which
cost it knows that there is nothing. It gives up as well beyond `PLACES` times as many places, a place being a
pair with a memory of who has looked: where programs poll one state may have twice as many with each of them.
"""

import heapq
from collections.abc import Callable
from typing import NamedTuple

from actors.explore.minimising.events import Events
from actors.explore.minimising.identity import Enders
from actors.explore.minimising.order import MOST, Order
from actors.explore.minimising.waiting import NOTHING, Waiting
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.histories import Node
from actors.explore.tables.steps import Move

Log = list[tuple[str, int]]
"""An execution, as the program and the outcome of each step."""

LIMIT = 120_000
"""States that are looked at; and `PLACES` times as many places: states with who took the last step and a memory."""

PLACES = 4
"""Places to a state at most, on average; they are what a search takes time and memory for."""

Step = tuple[int, int, int, int, int]
"""A step that could be taken: cost behind it, from which place, by which of the enabled programs, with which outcome, and
the memory behind it."""

_NUMBER = 32
_NUMBERS = (1 << _NUMBER) - 1
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
    places: int


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
    enders: Enders | None = None,
    limit: int = LIMIT,
    stop: StopRequest = never,
) -> Found:
    """Search for the cheapest execution to a goal that costs less than `bound`.

    `enders` says whose steps can lead to a goal, if anything is known of that. It gives up beyond
    `limit` states or `PLACES` times as many places, or if somebody asks to stop.
    """
    return _Search(graph, order, events, bound, enders).run(goal, start or Start(graph.first), limit, stop)


class _Search:
    def __init__(self, graph: Graph, order: Order, events: Events, bound: int, enders: Enders | None) -> None:
        self._graph = graph
        self._order = order
        self._events = events
        self._bound = bound
        self._switches = order.switch > 0
        self._waits = Waiting(graph, events, enders)
        # A place is a memory, a state's number and the program of the last step in one integer: there are many of them.
        self._states: dict[int, State] = {}
        self._cost: dict[int, int] = {}
        self._came: dict[int, Step] = {}
        self._fully: dict[int, int] = {}
        self._steps: dict[int, list[Step]] = {}
        self._leasts: list[int] = []

    def run(self, goal: Callable[[State], bool], start: Start, limit: int, stop: StopRequest) -> Found:
        """Search."""
        last = _NOBODY if start.last is None else start.last
        if self._reach(start.state, last, NOTHING, 0, goal) is not None:
            return self._found([], 0, 0)
        least = 0
        while self._leasts:
            least = heapq.heappop(self._leasts)
            for step in self._steps.pop(least):
                place = self._take(step, goal)
                if place is not None:
                    return self._found(self._log(place), step[0], least)
                if len(self._cost) > PLACES * limit:
                    return self._found(None, None, least, complete=False)
            if len(self._states) > limit or stop():
                return self._found(None, None, self._leasts[0] if self._leasts else least, complete=False)
        return self._found(None, None, self._bound)

    def _found(self, log: Log | None, cost: int | None, least: int, *, complete: bool = True) -> Found:
        return Found(log, cost, complete, least, len(self._states), len(self._cost))

    def _take(self, step: Step, goal: Callable[[State], bool]) -> int | None:
        """Take a step whose turn it is; return the place behind it if that is a goal."""
        cost, place, which, index, memory = step
        before = self._states[place >> _LAST & _NUMBERS]
        assert before.options is not None
        state = before.after[which][index] or self._graph.follow(before, which, index)
        if state.key == before.key:
            return None
        return self._reach(
            state, before.options[which][0] if self._switches else _NOBODY, memory, cost, goal, step
        )

    def _reach(
        self,
        state: State,
        last: int,
        memory: int,
        cost: int,
        goal: Callable[[State], bool],
        step: Step | None = None,
    ) -> int | None:
        """Come to a place, and return it if it is a goal; go on from there if nobody came here as cheaply."""
        place = (memory << _NUMBER | state.number) << _LAST | last
        known = self._cost.get(place)
        if known is not None and known <= cost:
            return None
        self._states[state.number] = state
        self._cost[place] = cost
        if step is not None:
            self._came[place] = step
        if state.ending is None and self._graph.options(state):
            self._expand(state, place, cost)
            return None
        return place if goal(state) else None

    def _expand(self, state: State, place: int, cost: int) -> None:
        """Let the program go on that took the last step, and the others too if nobody came here cheaper."""
        assert state.options is not None
        last, here = place & _MASK, place >> _LAST
        memory = here >> _NUMBER
        dearer = cost + self._order.step + (self._order.switch if last != _NOBODY else 0)
        fully = dearer < self._bound and cost < self._fully.get(here, self._bound)
        if fully:
            self._fully[here] = cost
        for which, (column, node, moves) in enumerate(state.options):
            if column == last:
                after = cost + self._order.step
            elif fully and not (memory and self._waits.might_have_waited(memory, column, node, state)):
                after = dearer
            else:
                continue
            for index, move in enumerate(moves):
                self._wait(after + self._event(state, column, node, move), state, place, which, index)

    def _event(self, state: State, column: int, node: Node, move: Move) -> int:
        if column in self._events.sources and self._events.of(state, column, node, move):
            return self._order.event
        return 0

    def _wait(self, cost: int, state: State, place: int, which: int, index: int) -> None:
        """Let a step wait for its turn: that of executions that cost at least so much."""
        assert state.options is not None
        memory, least = NOTHING, cost
        column, node, moves = state.options[which]
        if self._switches:
            memory = self._waits.after(place >> _LAST + _NUMBER, column, node, moves[index], state)
            least += (self._order.switch + self._order.step) * self._waits.missing(memory, column)
        waiting = self._steps.get(least)
        if waiting is not None:
            waiting.append((cost, place, which, index, memory))
        elif least < self._bound:
            self._steps[least] = [(cost, place, which, index, memory)]
            heapq.heappush(self._leasts, least)

    def _log(self, place: int) -> Log:
        log: Log = []
        while place in self._came:
            _, place, which, index, _ = self._came[place]
            options = self._states[place >> _LAST & _NUMBERS].options
            assert options is not None
            log.append((options[which][1].name, index))
        return log[::-1]
