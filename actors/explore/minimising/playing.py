"""Playing an execution on the tables as somebody wishes it to go, as far as the programs let it.

The wishes are steps, as program and outcome. Of those that are left, the first whose program is enabled is
taken; if there is none, the default order goes on: whoever took the last step, then the programs by creation.
An outcome that is not there is replaced by the first. So whatever is wished for gives an execution, and an
execution's own steps give it again.
"""

from collections.abc import Sequence
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
    """An execution: its steps, the state that it ends in, and how; `limit` is no end."""

    steps: list[Taken]
    end: State
    ending: Literal["finished", "violated", "limit"]

    @property
    def log(self) -> Log:
        """The execution as program and outcome of each step."""
        return [(one.name, one.outcome) for one in self.steps]


def play(graph: Graph, wishes: Sequence[tuple[str, int]], limit: int = LIMIT) -> Played:
    """Play an execution to its end."""
    left = list(wishes)
    state, last = graph.first, None
    steps: list[Taken] = []
    while state.ending is None:
        options = graph.options(state)
        if not options:
            break
        if len(steps) >= limit:
            return Played(steps, state, "limit")
        places = {node.name: which for which, (_, node, _) in enumerate(options)}
        wish = next((at for at, (name, _) in enumerate(left) if name in places), None)
        if wish is not None:
            name, index = left.pop(wish)
            which = places[name]
        else:
            which, index = places.get(last or "", 0), 0
        index = index if index < len(options[which][2]) else 0
        taken = Taken(state, which, index)
        steps.append(taken)
        last = taken.name
        state = graph.follow(state, which, index)
    assert state.ending in {"finished", "violated"}
    return Played(steps, state, "violated" if state.ending == "violated" else "finished")


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


def event_of(one: Taken, events: Events) -> str:
    """Return the class of event that a step is, or nothing."""
    assert one.state.options is not None
    column, node, moves = one.state.options[one.which]
    return events.of(one.state, column, node, moves[one.outcome])
