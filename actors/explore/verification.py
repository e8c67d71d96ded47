"""Verifying: every order of events, and a verdict that says exactly what was covered.

A small world is searched state by state, a large one by whole frontiers. What is found is no finding before
it has been run on Trio, checked, in a world built anew: its verdict there is the one that counts.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from actors.explore.covered import Covered
from actors.explore.proving.small import WIDEST, search_small
from actors.explore.results import Recorded, Unreproduced
from actors.explore.selection import select, sometimes
from actors.explore.tables.coverage import unexecuted
from actors.explore.tables.tables import Tables
from actors.runtime.determinism import check_builder
from actors.runtime.errors import Divergence, VmraceError
from actors.runtime.recorder import model_line
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import FollowLog
from actors.runtime.world import World
from protocol.records import Kind, Verdict


class Searched(msgspec.Struct, frozen=True):
    """How far a search is: distinct states, transitions, states of the level under way, its depth, seconds."""

    states: int
    transitions: int
    frontier: int
    depth: int
    seconds: float


Progress = Callable[[Searched], bool]
"""Told how far the search is; says whether to go on."""


class Demand(msgspec.Struct, frozen=True):
    """What to verify, and when to give up: `states`, `memory` in bytes, `seconds`.

    `confirm` searches a second time with other fingerprints, whether the world is small or not. `classes` runs
    one execution of each class instead of looking at each state once; `reduce` looks at a part of the states that
    is enough (see `reduction`).
    """

    conditions: tuple[str, ...] = ()
    keep_going: bool = False
    states: int | None = None
    memory: int | None = None
    seconds: float | None = None
    confirm: bool = False
    classes: bool = False
    reduce: bool = False


class Verification(msgspec.Struct, frozen=True):
    """What a search of every order found and covered.

    `states` are the distinct ones stored, `collision` the probability that a new one was taken for an old one
    somewhere. `limit` is what ended the search early. `unexecuted` are the steps of the code that no order
    executed, where nothing was found. `confirmed` says whether a second search came to its end and to the same; None if
    nobody asked for it. `classes` counts Mazurkiewicz classes of executions, `blocked` the
    prefixes begun for nothing; None where they were not asked for. A `reduced` search has met more states
    than it stored, `visited` in all; `shortest` says that no counterexample is shorter than the one recorded.
    """

    scenario: str
    parameters: tuple[tuple[str, str], ...]
    model: str
    states: int
    transitions: int
    depth: int
    seconds: float
    sometimes: dict[str, bool]
    broken: tuple[str, ...] = ()
    recorded: Recorded | None = None
    unreproduced: Unreproduced | None = None
    limit: str | None = None
    collision: float = 0.0
    unexecuted: tuple[str, ...] = ()
    classes: int | None = None
    blocked: int | None = None
    reduced: bool = False
    visited: int | None = None
    shortest: bool = True
    confirmed: bool | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict; only a confirmed finding is one."""
        if self.recorded is not None:
            return "violated"
        if self.limit is not None or self.unreproduced is not None:
            return "inconclusive"
        return "proved" if all(self.sometimes.values()) else "vacuous"

    @property
    def partial(self) -> bool:
        """Whether the search counts other states than one that looks at each of them once and stops at a finding."""
        return self.reduced or self.classes is not None

    @property
    def kind(self) -> Kind | None:
        """Whether somebody is harmed, or only a rule."""
        violation = self.recorded.record.violation if self.recorded is not None else None
        return violation.kind if violation is not None else None


def verify(
    scenario: Scenario, parameters: Mapping[str, Any], demand: Demand, progress: Progress | None = None
) -> Verification:
    """Search every order of a scenario's events.

    Raises VmraceError for conditions that do not exist, and ModelError where the scenario breaks a rule.
    """
    begun = time.perf_counter()
    world = check_builder(scenario, parameters)
    only = select(world, demand.conditions)
    with Tables(world, only) as tables:
        covered = _search(tables, demand, progress)
        tables.check()
        never = unexecuted(tables.layout) if covered.log is None else ()
    recorded, unreproduced = None, None
    if covered.log is not None:
        recorded, unreproduced = _confirmed(scenario, parameters, covered, only)
    large = covered.states > 0 and covered.fingerprinted
    return Verification(
        scenario=scenario.name,
        parameters=tuple(scenario.as_text(parameters).items()),
        model=model_line(scenario, parameters, world),
        states=covered.states,
        transitions=covered.transitions,
        depth=covered.depth,
        seconds=time.perf_counter() - begun,
        sometimes=sometimes(world, covered.met),
        broken=_broken(world, covered, every=demand.keep_going or demand.classes),
        recorded=recorded,
        unreproduced=unreproduced,
        limit=covered.limit,
        unexecuted=never,
        classes=covered.classes,
        blocked=covered.blocked,
        collision=(covered.visited or covered.states) ** 2 / 2**65 if large else 0.0,
        reduced=demand.reduce,
        visited=covered.visited,
        shortest=covered.shortest,
        confirmed=covered.limit is None if demand.confirm else None,
    )


def _broken(world: World, covered: Covered, *, every: bool) -> tuple[str, ...]:
    """Name the conditions that broke somewhere; with `every` also programs that failed, and deadlock."""
    conditions = tuple(one.name for one in world.conditions if one.name in covered.violated)
    others = sorted(covered.violated.difference(conditions)) if every else ()
    return (*conditions, *others)


def _search(tables: Tables, demand: Demand, progress: Progress | None) -> Covered:
    if demand.classes:
        return _by_classes(tables, demand, progress)
    bounded = any(bound is not None for bound in (demand.states, demand.memory, demand.seconds))
    if not (bounded or demand.confirm or demand.reduce):
        small = search_small(tables, keep_going=demand.keep_going, widest=WIDEST)
        if small is not None:
            return small
    begun = time.perf_counter()
    covered = _by_frontiers(tables, demand, progress, 0)
    if demand.confirm and covered.limit is None:
        if demand.seconds is not None:
            left = demand.seconds - (time.perf_counter() - begun)
            demand = msgspec.structs.replace(demand, seconds=max(left, 0.0))
        again = _by_frontiers(tables, demand, progress, 1)
        if again.limit is not None:
            return covered._replace(limit=again.limit)
        if again != covered:
            raise VmraceError(
                f"two fingerprints disagree: {covered.states} states and {again.states}; two states collided, or "
                "this is a bug in vmrace"
            )
    return covered


def _by_frontiers(tables: Tables, demand: Demand, progress: Progress | None, seed: int) -> Covered:
    from actors.explore.proving.search import Bounds, Search  # noqa: PLC0415  # imports NumPy
    from actors.explore.reduction.reduced import search_reduced  # noqa: PLC0415

    bounds = Bounds(demand.states, demand.memory, demand.seconds)
    look = (lambda one: progress(Searched(*one))) if progress is not None else None
    if demand.reduce:
        return search_reduced(tables, keep_going=demand.keep_going, seed=seed, bounds=bounds, progress=look)
    return Search(tables, keep_going=demand.keep_going, seed=seed, bounds=bounds, progress=look).run()


def _by_classes(tables: Tables, demand: Demand, progress: Progress | None) -> Covered:
    from actors.explore.classes.search import MOST_STATES, ClassSearch  # noqa: PLC0415  # few need it

    return ClassSearch(
        tables,
        keep_going=demand.keep_going,
        most=demand.states or MOST_STATES,
        seconds=demand.seconds,
        progress=(lambda one: progress(Searched(*one))) if progress is not None else None,
    ).run()


def _confirmed(
    scenario: Scenario, parameters: Mapping[str, Any], covered: Covered, only: frozenset[str] | None
) -> tuple[Recorded | None, Unreproduced | None]:
    """Run what was found on Trio, recorded; or say why that was not the same."""
    import trio  # noqa: PLC0415  # takes long, and a proof needs none of it

    from actors.explore.recording import execute  # noqa: PLC0415

    log = covered.log or []
    try:
        recorded = trio.run(partial(execute, scenario, parameters, FollowLog(log), only=only))
    except Divergence as error:
        return None, Unreproduced(0, tuple(sorted(covered.violated)), str(error))
    if not recorded.names or len(recorded.record.steps) != len(log):
        again = ", ".join(recorded.names) or "nothing violated"
        why = f"{again} after {len(recorded.record.steps)} steps on Trio, not {len(log)}"
        return None, Unreproduced(0, tuple(sorted(covered.violated)), why)
    return recorded, None
