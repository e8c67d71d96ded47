"""Playing an execution on the tables as somebody wishes it to go, as far as the programs let it.

The wishes are steps, as program and outcome. Of those that are left, the first whose program is enabled is
taken; if there is none, the default order goes on: whoever took the last step, then the programs by creation.
An outcome that is not there is replaced by the first. So whatever is wished for gives an execution, and an
execution's own steps give it again. With an `Allowance` it has no more events than are allowed.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from actors.explore.minimising.cheapest import Log
from actors.explore.minimising.events import Events
from actors.explore.minimising.order import Counts, counts
from actors.explore.tables.graph import Graph, State

LIMIT = 20_000
"""Steps after which an execution is given up."""


class Taken(NamedTuple):
    """One step that was taken: the state before it, which of its options, which outcome; and what the step is called."""

    state: State
    which: int
    outcome: int

    @property
    def column(self) -> int:
        """The column of the program."""
        assert self.state.options is not None
        return self.state.options[self.which][0]

    @property
    def name(self) -> str:
        """The name of the program."""
        assert self.state.options is not None
        return self.state.options[self.which][1].name


class Played(NamedTuple):
    """An execution: its steps, the state that it ends in, and how; `limit` is no end.

    `other events`: it ends without some of those that it was to have, or can only go on with others.
    """

    steps: list[Taken]
    end: State
    ending: Literal["finished", "violated", "limit", "other events"]

    @property
    def log(self) -> Log:
        """The execution as program and outcome of each step."""
        return [(one.name, one.outcome) for one in self.steps]

    def place(self, name: str, ordinal: int) -> int | None:
        """Return the place of a program's step of that number; None if it has not taken as many."""
        own = (place for place, one in enumerate(self.steps) if one.name == name)
        return next(itertools.islice(own, ordinal, None), None)


class Allowance:
    """The events that an execution is to have: no more than these, and none less where it is to pass.

    `most` counts them, by the column of their source and their class (`events_of`).
    """

    def __init__(self, events: Events, most: Mapping[tuple[int, str], int]) -> None:
        self._events = events
        self._left = Counter(most)

    def allows(self, state: State, which: int) -> bool:
        """Say whether an option is no event, or one of those that are left."""
        event = self._event(state, which)
        return event is None or self._left[event] > 0

    def take(self, state: State, which: int) -> None:
        """Count an option that is taken."""
        event = self._event(state, which)
        if event is not None:
            self._left[event] -= 1

    @property
    def spent(self) -> bool:
        """Whether all of them have happened."""
        return not any(self._left.values())

    def _event(self, state: State, which: int) -> tuple[int, str] | None:
        assert state.options is not None
        column, node, moves = state.options[which]
        event = self._events.of(state, column, node, moves[0])
        return (column, event) if event else None


def play(
    graph: Graph, wishes: Sequence[tuple[str, int]], limit: int = LIMIT, allowance: Allowance | None = None
) -> Played:
    """Play an execution to its end, with the events of an allowance if there is one."""
    left = list(wishes)
    state, last = graph.first, None
    steps: list[Taken] = []
    while state.ending is None:
        options = graph.options(state)
        if not options:
            break
        if len(steps) >= limit:
            return Played(steps, state, "limit")
        places = {
            node.name: which
            for which, (_, node, _) in enumerate(options)
            if allowance is None or allowance.allows(state, which)
        }
        if not places:
            return Played(steps, state, "other events")
        wish = next((at for at, (name, _) in enumerate(left) if name in places), None)
        if wish is not None:
            name, index = left.pop(wish)
            which = places[name]
        else:
            which, index = places.get(last or "", min(places.values())), 0
        index = index if index < len(options[which][2]) else 0
        taken = Taken(state, which, index)
        steps.append(taken)
        last = taken.name
        if allowance is not None:
            allowance.take(state, which)
        state = graph.follow(state, which, index)
    assert state.ending in {"finished", "violated"}
    if state.ending == "violated":
        return Played(steps, state, "violated")
    return Played(steps, state, "finished" if allowance is None or allowance.spent else "other events")


def replay(graph: Graph, choices: Sequence[int]) -> Played:
    """Play the choices of a token, which are counted in the default order; see `actors.runtime.schedule`."""
    left = iter(choices)
    state, last = graph.first, None
    steps: list[Taken] = []
    while state.ending is None and graph.options(state):
        assert state.options is not None
        order = [which for which, (column, _, _) in enumerate(state.options) if column == last]
        order += [which for which, (column, _, _) in enumerate(state.options) if column != last]
        which = order[next(left, 0)]
        index = next(left, 0) if len(state.options[which][2]) > 1 else 0
        last = state.options[which][0]
        steps.append(Taken(state, which, index))
        state = graph.follow(state, which, index)
    return Played(steps, state, "violated" if state.ending == "violated" else "finished")


def counted(played: Played, events: Events) -> Counts:
    """Count the switches, events and steps of an execution."""
    return counts((one.name, event_of(one, events)) for one in played.steps)


def events_of(played: Played, events: Events) -> Counter[tuple[int, str]]:
    """Count the events of an execution, by the column of their source and their class."""
    happened = ((one.column, event_of(one, events)) for one in played.steps)
    return Counter((column, event) for column, event in happened if event)


def event_of(one: Taken, events: Events) -> str:
    """Return the class of event that a step is, or nothing."""
    assert one.state.options is not None
    column, node, moves = one.state.options[one.which]
    return events.of(one.state, column, node, moves[one.outcome])
