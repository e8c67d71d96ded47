"""Whether any order of the same events passes, where no single change of order has been found that does.

All orders are gone through, with all outcomes, in which each source has exactly as many events of each class as
in the execution that is explained: the same that `trials` lets pass. Fewer would be no change of order: what does
not happen does no harm.

The search begins where the execution ends and goes back: first all orders that leave it at its last step, then
those that leave it one step earlier, and so on. So the first that passes is one that goes with it the longest.
"""

from collections.abc import Iterator
from typing import NamedTuple

from actors.explore.minimising.cheapest import Log
from actors.explore.minimising.minimal import Counterexample, room
from actors.explore.minimising.playing import events_of
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.graph import State

LIMIT = 20_000
"""States that are looked at."""

Left = tuple[tuple[tuple[int, str], int], ...]
"""How many events there are still to come, by the column of their source and their class; those of which there are any."""


class Place(NamedTuple):
    """A state, the events that are still to come, and the program that took the last step."""

    state: State
    left: Left
    last: str

    @property
    def key(self) -> tuple[int, Left]:
        """What tells one place from another."""
        return self.state.number, self.left

    @property
    def passes(self) -> bool:
        """Whether an order that comes here has come to its end with all its events."""
        return self.state.ending == "finished" and not self.left


class Searched(NamedTuple):
    """What a search of all orders came to: an order that passes and where it leaves the execution, or that none does.

    `states` says how many there are if none of them passes; all are None where the search gave up.
    """

    log: Log | None = None
    leaves: int | None = None
    states: int | None = None


def last_way_out(given: Counterexample, *, limit: int = LIMIT, stop: StopRequest = never) -> Searched:
    """Search all orders of the same events for one that passes and leaves the execution as late as possible.

    An order passes if it comes to its end and violates nothing; one that never ends does not. It gives up beyond
    `limit` states, or if somebody asks to stop.
    """
    limit = min(limit, room(given.tables))
    known: set[tuple[int, Left]] = set()
    for leaves, place in reversed(list(enumerate(_along(given)))):
        came: dict[tuple[int, Left], tuple[Place, int]] = {}
        waiting = [] if place.key in known else [place]
        known.add(place.key)
        while waiting:
            here = waiting.pop()
            if here.passes:
                return Searched([*given.played.log[:leaves], *_back(came, here, place)], leaves)
            for after, index in _following(given, here):
                if after.key not in known:
                    known.add(after.key)
                    came[after.key] = here, index
                    waiting.append(after)
            if len(known) > limit or stop():
                return Searched()
    return Searched(states=len(known))


def _along(given: Counterexample) -> Iterator[Place]:
    """Return the places of the execution itself, to its end."""
    left = tuple(sorted(events_of(given.played, given.events).items()))
    last = ""
    for one in given.played.steps:
        yield Place(one.state, left, last)
        assert one.state.options is not None
        column, node, moves = one.state.options[one.which]
        event = given.events.of(one.state, column, node, moves[one.outcome])
        after = _without(left, (column, event)) if event else left
        assert after is not None
        left, last = after, one.name
    yield Place(given.played.end, left, last)


def _following(given: Counterexample, here: Place) -> list[tuple[Place, int]]:
    """Return what may follow without more events than there are left, and by which outcome; going on comes last."""
    state, found = here.state, []
    for which, (column, node, moves) in enumerate(given.graph.options(state) if state.ending is None else ()):
        for index, move in enumerate(moves):
            event = given.events.of(state, column, node, move)
            after = _without(here.left, (column, event)) if event else here.left
            if after is not None:
                found.append((Place(given.graph.follow(state, which, index), after, node.name), index))
    return sorted(found, key=lambda one: one[0].last == here.last)


def _without(left: Left, event: tuple[int, str]) -> Left | None:
    """Return what is left behind an event; None if there is none left of it."""
    counted = dict(left)
    if event not in counted:
        return None
    counted[event] -= 1
    return tuple((one, count) for one, count in counted.items() if count)


def _back(came: dict[tuple[int, Left], tuple[Place, int]], here: Place, first: Place) -> Log:
    """Return the steps from the first place."""
    log: Log = []
    while here.key != first.key:
        before, index = came[here.key]
        log.append((here.last, index))
        here = before
    return log[::-1]
