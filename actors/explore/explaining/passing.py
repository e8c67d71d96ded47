"""Whether any order of the same events passes, where no change of order has been found that does.

All orders are gone through, with all outcomes, in which each source has exactly as many events of each class as
in the execution that is explained. Fewer would be no change of order: what does not happen does no harm.
"""

from collections import Counter

from actors.explore.minimising.events import Events
from actors.explore.minimising.minimal import Counterexample, room
from actors.explore.minimising.playing import Played
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.graph import State

LIMIT = 20_000
"""States that are looked at."""

Left = tuple[tuple[tuple[int, str], int], ...]
"""How many events there are still to come, by the column of their source and their class; those of which there are any."""


def none_passes(given: Counterexample, *, limit: int = LIMIT, stop: StopRequest = never) -> int | None:
    """Return how many states all orders of the same events have, if none of these orders passes.

    None if one does, or if there are more states than the limit. An order passes if it comes to its end and
    violates nothing; one that never ends does not.
    """
    limit = min(limit, room(given.tables))
    first = (given.graph.first, _events_of(given.played, given.events))
    known, waiting = {(first[0].number, first[1])}, [first]
    while waiting:
        state, left = waiting.pop()
        if state.ending == "finished" and not left:
            return None
        for after in _following(given, state, left):
            place = (after[0].number, after[1])
            if place not in known:
                known.add(place)
                waiting.append(after)
        if len(known) > limit or stop():
            return None
    return len(known)


def _events_of(played: Played, events: Events) -> Left:
    counted: Counter[tuple[int, str]] = Counter()
    for one in played.steps:
        assert one.state.options is not None
        column, node, moves = one.state.options[one.which]
        event = events.of(one.state, column, node, moves[one.outcome])
        if event:
            counted[column, event] += 1
    return tuple(sorted(counted.items()))


def _following(given: Counterexample, state: State, left: Left) -> list[tuple[State, Left]]:
    """Return what may follow without more events than there are left."""
    found = []
    for which, (column, node, moves) in enumerate(given.graph.options(state) if state.ending is None else ()):
        for index, move in enumerate(moves):
            event = given.events.of(state, column, node, move)
            after = _without(left, (column, event)) if event else left
            if after is not None:
                found.append((given.graph.follow(state, which, index), after))
    return found


def _without(left: Left, event: tuple[int, str]) -> Left | None:
    """Return what is left behind an event; None if there is none left of it."""
    counted = dict(left)
    if event not in counted:
        return None
    counted[event] -= 1
    return tuple((one, count) for one, count in counted.items() if count)
