"""How many events of each class a violation takes, by searching for one with as few of them as possible.

All orders without any event of the class are gone through before the first with one: a class that is needed is
one without which there is no such violation at all. Where there are too many orders, what has been gone through
by then is what is known.
"""

from actors.explore.minimising.cheapest import LIMIT, cheapest
from actors.explore.minimising.events import Events
from actors.explore.minimising.identity import enders
from actors.explore.minimising.minimal import Counterexample, room
from actors.explore.minimising.order import Order
from actors.explore.minimising.playing import event_of
from actors.explore.stopping import StopRequest, never
from protocol.records import Need

_EVENTS_ALONE = Order(switch=0, event=1, step=0)


def needs(given: Counterexample, *, limit: int = LIMIT, stop: StopRequest = never) -> tuple[Need, ...]:
    """Return for each class of event that there may be how many of them the violation takes at least."""
    world = given.tables.world
    return tuple(
        Need(event, _least(given, event, limit, stop), budget) for event, budget in world.budgets.items()
    )


def _least(given: Counterexample, event: str, limit: int, stop: StopRequest) -> int | None:
    events = Events(given.tables, event)
    here = sum(1 for one in given.played.steps if event_of(one, events))
    if here == 0:
        return 0
    found = cheapest(
        given.graph,
        given.same,
        _EVENTS_ALONE,
        events,
        bound=here,
        enders=enders(given.identity),
        limit=min(limit, room(given.tables)),
        stop=stop,
    )
    if not found.complete:
        return None
    return here if found.cost is None else found.cost
