"""Every violated case of the scenarios: what is shown of it is pinned, and what is said of it holds.

`python -m tests.scenarios.snapshots` writes the pins again.
"""

import math
import re
from collections import Counter

import msgspec
import pytest

from actors.explore.replay import replay
from actors.explore.token import decode
from actors.explore.verification import Demand, verify
from actors.observe.chart import LINES, chart
from actors.observe.text import WIDTH
from actors.runtime import World
from tests.scenarios.snapshots import HERE, SCENARIOS, drawn, file_of, parameters_of, shown_of, violated

VIOLATED = [(scenario.name, place) for scenario, place in violated()]
FIRST = dict(reversed(VIOLATED))
CASES = [
    pytest.param(
        name,
        place,
        id=file_of(name, place).stem,
        marks=[] if FIRST[name] == place else [pytest.mark.full],
    )
    for name, place in VIOLATED
]

cases = pytest.mark.parametrize(("name", "place"), CASES)


def test_every_violated_case_is_pinned_and_nothing_else():
    names = [
        file_of(scenario.name, place).name
        for scenario in SCENARIOS.values()
        for place, case in enumerate(scenario.cases)
        if case.expect == "violated"
    ]
    assert sorted(path.name for path in HERE.iterdir()) == sorted(names)


def what_is_shown_is_what_is_pinned(name, place):
    assert drawn(name, place) == file_of(name, place).read_text()


def the_chart_fits_and_the_whole_execution_can_be_had(name, place):
    record = shown_of(name, place).recorded.record
    lines = chart(record).split("\n")
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    folded = re.compile(r"\.\.\. \d+ steps$", re.MULTILINE)
    assert not folded.findall(chart(record, full=True))


def what_is_shown_is_the_same_violation_with_the_fewest_switches(name, place):
    scenario = SCENARIOS[name]
    found, minimised = shown_of(name, place)
    assert found.names == scenario.cases[place].violated
    assert minimised.exact, "all orders of each of these worlds can be gone through"
    assert minimised.after.switches <= minimised.before.switches
    assert replay(scenario, decode(found.token)).names == found.names


def events_of(record):
    return Counter((step.program, step.event) for step in record.steps if step.event)


def replaying_with_the_flip_passes_and_has_the_same_events(name, place):
    scenario = SCENARIOS[name]
    record = shown_of(name, place).recorded.record
    flip = record.explanation.flip
    assert (flip is None) == (record.explanation.hopeless is not None), "all orders of its events were tried"
    if flip is None:
        return
    passes = replay(scenario, decode(flip.token))
    assert events_of(passes.record) == events_of(record)
    assert passes.record.violation is None
    assert not passes.undecided
    assert passes.record.parameters == record.parameters
    if flip.alone and flip.second is not None:
        taken = [keys_of(one.steps) for one in (record, passes.record)]
        first, second = (key_of(step, record, passes.record) for step in (flip.first, flip.second))
        assert [keys.get(first, math.inf) < keys.get(second, math.inf) for keys in taken] == [False, True]


def keys_of(steps):
    """Return the place of each program's steps, by how many it has taken before."""
    taken, places = Counter(), {}
    for place, step in enumerate(steps):
        places[step.program, taken[step.program]] = place
        taken[step.program] += 1
    return places


def key_of(step, *records):
    """Return whose step it is, and how many it has taken before, in the first of the records that has it."""
    for record in records:
        for key, place in keys_of(record.steps).items():
            if msgspec.structs.replace(record.steps[place], distance=step.distance) == step:
                return key
    raise AssertionError(step)


@cases
def test_what_is_shown_is_pinned_and_true(name, place):
    """All that is asked of one case in one test, since it takes long to find."""
    what_is_shown_is_what_is_pinned(name, place)
    the_chart_fits_and_the_whole_execution_can_be_had(name, place)
    what_is_shown_is_the_same_violation_with_the_fewest_switches(name, place)
    replaying_with_the_flip_passes_and_has_the_same_events(name, place)


async def nothing():
    """Do nothing: what a source without a budget does."""


def allow(monkeypatch, event, most):
    """Let the sources of a world have at most so many events of a class in all; each has its budget as an argument."""
    original = World.source

    def source(self, function, *args, **options):
        budget = options["budget"]
        if options["event"] != event:
            return original(self, function, *args, **options)
        self.allowed = getattr(self, "allowed", most)
        less = min(budget, self.allowed)
        self.allowed -= less
        options["budget"] = less
        if less == 0:
            return original(self, nothing, **options)
        if less == budget:
            return original(self, function, *args, **options)
        assert args.count(budget) == 1, "a source that has no number of its own is there once, or not at all"
        return original(self, function, *(less if one == budget else one for one in args), **options)

    monkeypatch.setattr(World, "source", source)


def broken_with(monkeypatch, name, place, event, most, *, keep_going=False):
    """Return what is broken first, or all that can be, with at most so many events of a class."""
    scenario = SCENARIOS[name]
    with monkeypatch.context() as patch:
        allow(patch, event, most)
        found = verify(
            scenario, parameters_of(scenario, scenario.cases[place]), Demand(keep_going=keep_going)
        )
    assert found.limit is None
    return {
        *found.broken,
        *(found.recorded.names if found.recorded else ()),
    }  # conditions; or a program that fails


@cases
def test_with_as_many_events_as_are_needed_it_can_be_and_with_less_it_cannot(name, place, monkeypatch):
    explanation = shown_of(name, place).recorded.record.explanation
    names = set(SCENARIOS[name].cases[place].violated)
    for need in explanation.needs:
        assert need.least is not None
        broken = broken_with(monkeypatch, name, place, need.event, need.least)
        if not names <= broken:  # something else is broken before
            broken = broken_with(monkeypatch, name, place, need.event, need.least, keep_going=True)
        assert names <= broken
        if need.least:
            less = need.least - 1
            assert not names & broken_with(monkeypatch, name, place, need.event, less, keep_going=True)
