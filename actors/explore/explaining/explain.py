"""The explanation of one recorded violation, worked out on the tables and confirmed on Trio.

It depends on the scenario, its parameters and the token alone, so that whoever replays the token sees the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actors.explore.explaining.needs import needs
from actors.explore.explaining.outcomes import Choice, last_choice
from actors.explore.explaining.passing import Searched, last_way_out
from actors.explore.explaining.symptom import steps_that_matter
from actors.explore.explaining.trials import Trials
from actors.explore.explaining.windows import Bound, Found, narrowest
from actors.explore.minimising.minimal import Counterexample, confirmed
from actors.explore.minimising.playing import Played, Taken, play
from actors.explore.results import Recorded
from actors.explore.selection import always_names, at_places
from actors.explore.stopping import StopRequest, never
from actors.explore.tables.tables import Tables
from actors.explore.token import choices_of, decode
from actors.runtime.device import Footprint
from actors.runtime.scenario import Scenario
from protocol.records import Explanation, Flip, Need, Record, Step, Window

_SLICED = 500
"""Steps of an execution in which those that matter are looked for."""


def explained(
    scenario: Scenario, parameters: Mapping[str, Any], recorded: Recorded, *, stop: StopRequest = never
) -> Recorded:
    """Return a recorded violation with its explanation; one without steps or violation as it is.

    Raises ModelError where the scenario breaks a rule on the way, and Unconfirmed if Trio disagrees.
    """
    if recorded.record.violation is None or not recorded.record.steps:
        return recorded
    body = decode(recorded.token)
    only = at_places(scenario(**parameters), body.only)

    def on_trio(played: Played) -> Recorded:
        return confirmed(scenario, parameters, played.log, only, ())

    with Tables(scenario(**parameters), only) as tables:
        given = Counterexample(tables, choices_of(body))
        explaining = _Explaining(given, recorded.record, on_trio)
        record = explaining.record(_needs(scenario, parameters, only, given, stop), stop)
    return msgspec.structs.replace(recorded, record=record)


def _needs(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    only: frozenset[str] | None,
    given: Counterexample,
    stop: StopRequest,
) -> tuple[Need, ...]:
    """Return what the violated conditions need, others not looked at: these may end an execution that goes on to the same."""
    world = given.tables.world
    looked_at = frozenset(always_names(world)) if only is None else only
    alone = given.identity[0] & looked_at
    if alone == looked_at or not world.budgets:
        return needs(given, stop=stop)
    with Tables(scenario(**parameters), alone) as tables:
        return needs(Counterexample(tables, given.choices), stop=stop)


def _says(step: Step) -> bool:
    """Say whether the program has set a label at this step that is true: it says where it stands."""
    return any(value == "True" for _, value in step.labels)


class _Explaining:
    """`shown` are the steps that the explanation names, as places; `passing` the orders that it has found to pass."""

    def __init__(self, given: Counterexample, record: Record, on_trio: Callable[[Played], Recorded]) -> None:
        self._given = given
        self._record = record
        self._on_trio = on_trio
        self._shown: set[int] = {len(record.steps) - 1}
        self._passing: list[Played] = []
        self._recorded: dict[int, Recorded] = {}

    def record(self, needed: tuple[Need, ...], stop: StopRequest) -> Record:
        """Return the record with an explanation, and the distance of each step that matters."""
        given = self._given
        trials = Trials(given)
        found = narrowest(given, trials)
        window = self._window(found) if found is not None else None
        flip = self._moved(found.flip) if found is not None else self._chosen(last_choice(given, trials))
        searched = last_way_out(given, stop=stop) if flip is None else Searched()
        if searched.log is not None and searched.leaves is not None:
            flip = self._left(play(given.graph, searched.log), searched.leaves)
        explanation = Explanation(window, flip, needed, searched.states)
        return msgspec.structs.replace(self._record, steps=self._steps(), explanation=explanation)

    def _steps(self) -> tuple[Step, ...]:
        """Return the steps with their distances, or as they are if there are too many to look at each."""
        steps, given = self._record.steps, self._given
        if len(steps) > _SLICED:
            return steps
        news = [place for place, step in enumerate(steps) if step.notable]
        distance = steps_that_matter(given.tables, given.played, self._passing, news)
        named = {place for place, step in enumerate(steps) if step.event or _says(step)} | self._shown
        return tuple(
            msgspec.structs.replace(step, distance=0 if place in named else distance.get(place))
            for place, step in enumerate(steps)
        )

    def _window(self, found: Found) -> Window:
        opens, closes = found.opens, found.closes
        steps = self._record.steps
        for one in (opens, closes):
            if one is not None:
                self._passing.append(one.passes)
                self._shown.add(one.across)
        return Window(
            opens=self._step_of(opens) if opens is not None else None,
            closes=self._step_of(closes) if closes is not None else None,
            first=steps[closes.across if closes is not None else found.place],
            last=steps[opens.across if opens is not None else found.place],
        )

    def _step_of(self, bound: Bound) -> Step:
        """Return the step that was moved, as it is recorded here, or else in the order that passes."""
        here = self._given.played.place(bound.step.name, bound.ordinal)
        if here is not None:
            self._shown.add(here)
        if not bound.early:
            assert here is not None, "a step that was put behind others is one of the execution's"
            return self._record.steps[here]
        there = bound.passes.place(bound.step.name, bound.ordinal)
        assert there is not None, "a step that was let go first has been taken"
        return self._passes(bound.passes).record.steps[there]

    def _moved(self, bound: Bound) -> Flip:
        step, across = self._step_of(bound), self._record.steps[bound.across]
        first, second = (step, across) if bound.early else (across, step)
        token = self._passes(bound.passes).token
        return Flip(first, second, token, self._race(bound.step, self._given.played.steps[bound.across]))

    def _race(self, one: Taken, other: Taken) -> tuple[str, ...]:
        """Return the cells that two steps touch, and one of them writes."""
        mine, theirs = self._footprint(one), self._footprint(other)
        touched = {*mine.reads, *mine.writes} & {*theirs.reads, *theirs.writes}
        return tuple(sorted(cell.name for cell in touched & {*mine.writes, *theirs.writes}))

    def _footprint(self, one: Taken) -> Footprint:
        assert one.state.options is not None
        tables = self._given.tables
        row = tables.layout.padded(one.state.row)
        return tables.steps.reach(one.state.options[one.which][1], row).touched.footprint

    def _chosen(self, choice: Choice | None) -> Flip | None:
        if choice is None:
            return None
        self._passing.append(choice.passes)
        self._shown.add(choice.place)
        token = self._passes(choice.passes).token
        return Flip(self._record.steps[choice.place], None, token, outcome=choice.label)

    def _left(self, played: Played, leaves: int) -> Flip:
        """Return the step with which an order that passes leaves the execution, and the one that was taken there."""
        self._passing.append(played)
        self._shown.add(leaves)
        recorded = self._passes(played)
        here, there = self._given.played.steps[leaves], played.steps[leaves]
        first, second = recorded.record.steps[leaves], self._record.steps[leaves]
        if here.name == there.name:
            return Flip(second, None, recorded.token, outcome=first.outcome, alone=False)
        return Flip(first, second, recorded.token, self._race(there, here), alone=False)

    def _passes(self, played: Played) -> Recorded:
        """Run an order that passes on Trio, once."""
        known = self._recorded.get(id(played))
        if known is None:
            known = self._recorded[id(played)] = self._on_trio(played)
        return known
