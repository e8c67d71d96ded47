"""A counterexample and its minimal form: exact where all cheaper executions could be gone through, else the best found.

The minimal form is worked out on the tables, and like every finding it is one only after it has been run on
Trio: choices in, the same violation out.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import trio

from actors.explore.minimising.cheapest import LIMIT, Log, cheapest
from actors.explore.minimising.events import Events
from actors.explore.minimising.identity import enders, identity
from actors.explore.minimising.order import FEWEST_SWITCHES, Counts, Order
from actors.explore.minimising.playing import Played, counted, play, replay
from actors.explore.minimising.shortening import shortened
from actors.explore.recording import execute
from actors.explore.results import Recorded
from actors.explore.selection import at_places
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.tables import Tables
from actors.explore.token import choices_of, decode
from actors.runtime.errors import Divergence
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import FollowLog

_ROOM = 8_000_000  # numbers in the rows of states that are looked at, and four times as many that are kept


class Unconfirmed(Exception):
    """What was worked out on the tables did not come out on Trio: a bug in vmrace."""


def room(tables: Tables) -> int:
    """Return how many states of a world there is room for; those of a large world have long rows."""
    return _ROOM // max(1, tables.layout.width)


class Counterexample:
    """A violating execution on the graph of its world, with what is needed to look for others like it."""

    def __init__(self, tables: Tables, choices: tuple[int, ...]) -> None:
        self.tables = tables
        self.graph = Graph(tables, 4 * room(tables))
        self.events = Events(tables)
        self.choices = choices
        self.played = replay(self.graph, choices)
        self.identity = identity(tables, self.played.end)

    @property
    def violated(self) -> bool:
        """Whether the execution violates anything."""
        return self.played.ending == "violated"

    def same(self, state: State) -> bool:
        """Say whether a state violates the same."""
        return bool(state.violated) and identity(self.tables, state) == self.identity

    def counts(self, played: Played) -> Counts:
        """Count the switches, events and steps of an execution."""
        return counted(played, self.events)


class Minimal(NamedTuple):
    """The minimal form; `exact` says that no execution with this violation comes before it in the order.

    `before` and `after` count the one given and this one.
    """

    log: Log
    before: Counts
    after: Counts
    exact: bool


def minimal(
    given: Counterexample,
    order: Order = FEWEST_SWITCHES,
    *,
    limit: int = LIMIT,
    stop: StopRequest = never,
) -> Minimal:
    """Return the first execution in the order that ends in the same violation."""
    before = given.counts(given.played)
    limit = min(limit, room(given.tables))
    with _uncollected():
        found = cheapest(
            given.graph,
            given.same,
            order,
            given.events,
            bound=order.cost(before),
            enders=enders(given.identity),
            limit=limit,
            stop=stop,
        )
        best = given.played
        if found.log is not None:
            best = play(given.graph, found.log)
        elif not found.complete:
            best = shortened(given.graph, best, given.same, order, given.events, stop)
    return Minimal(best.log, before, given.counts(best), found.complete)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for garbage among states by the thousand, none of which is: it takes half the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Minimised(NamedTuple):
    """A finding in its minimal form, run on Trio; see `Minimal`."""

    recorded: Recorded
    before: Counts
    after: Counts
    exact: bool


def minimise(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    recorded: Recorded,
    order: Order = FEWEST_SWITCHES,
    *,
    limit: int = LIMIT,
    stop: StopRequest = never,
) -> Minimised:
    """Bring a recorded violation into its minimal form.

    Raises ModelError where the scenario breaks a rule on the way, and Unconfirmed if Trio disagrees.
    """
    body = decode(recorded.token)
    world = scenario(**parameters)
    only = at_places(world, body.only)

    def on_tables() -> tuple[Minimal, bool]:
        with Tables(world, only) as tables:
            given = Counterexample(tables, choices_of(body))
            if not given.violated or set(given.played.end.violated) != set(recorded.names):
                raise Unconfirmed(f"{', '.join(recorded.names)} on Trio, and not on the tables")
            found = minimal(given, order, limit=limit, stop=stop)
            return found, found.log == given.played.log

    with _uncollected():  # until the states are gone, which a collection would go through first
        found, as_it_was = on_tables()
    again = recorded if as_it_was else confirmed(scenario, parameters, found.log, only, recorded.names)
    return Minimised(again, found.before, found.after, found.exact)


def confirmed(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    log: Log,
    only: frozenset[str] | None,
    names: tuple[str, ...],
) -> Recorded:
    """Run an execution on Trio, recorded; raises Unconfirmed if it does not violate exactly `names` at its end."""
    try:
        recorded = trio.run(_on_trio, scenario, parameters, FollowLog(log), only)
    except Divergence as error:
        raise Unconfirmed(str(error)) from error
    if recorded.names != names or len(recorded.record.steps) != len(log):
        again = ", ".join(recorded.names) or "nothing violated"
        raise Unconfirmed(
            f"{again} after {len(recorded.record.steps)} steps on Trio, not "
            f"{', '.join(names) or 'nothing violated'} after {len(log)}"
        )
    return recorded


async def _on_trio(
    scenario: Scenario, parameters: Mapping[str, Any], chooser: FollowLog, only: frozenset[str] | None
) -> Recorded:
    return await execute(scenario, parameters, chooser, only=only)
