"""The fewest switches of every bug of the zoo and of the scenarios: pinned, and found from whatever was found first."""

import pytest

from actors.explore.minimising.minimal import minimise
from actors.explore.sampling import Wanted, explore
from actors.explore.verification import Demand, verify
from actors.runtime.loading import built_in
from tests.explore.minimising.conftest import opened
from tests.zoo.shapes import SHAPES, label

FEWEST = {
    "account": 3,
    "bluetooth_driver": 2,
    "bounded_buffer-pairs=2": 6,
    "circular_buffer-n=2": 3,
    "circular_buffer-n=7": 3,
    "din_phil-n=2": 2,
    "din_phil-n=3": 3,
    "din_phil-n=5": 5,
    "din_phil-n=7": 7,
    "lost_update-threads=2-increments=1": 4,
    "lost_update-threads=2-increments=2": 4,
    "lost_update-threads=3-increments=1": 5,
    "needle-n=20": 2,
    "needle-n=100": 2,
    "qsort_mt-elements=5": 6,
    "qsort_mt-elements=7": 6,
    "queue-n=3": 3,
    "queue-n=20": 3,
    "reorder-n=3": 2,
    "reorder-n=4": 2,
    "reorder-n=5": 2,
    "reorder-n=10": 2,
    "stack-n=2": 2,
    "stack-n=10": 2,
    "state_work_steal_queue-thieves=1": 4,
    "stringbuffer": 2,
    "token_ring": 4,
    "twostage-n=2": 2,
    "twostage-n=3": 2,
    "twostage-n=5": 2,
    "work_steal_queue": 4,
    "wronglock-others=1": 3,
    "wronglock-others=3": 3,
    "wronglock-others=7": 3,
    # The scenarios.
    "dining_philosophers-n=3": 2,
    "dining_philosophers-n=5": 4,
    "lost_update-n=2-locked=False": 2,
    "lost_update-n=3-locked=False": 3,
    "two_phase_commit-rms=3-impatient=True": 4,
    "w1-cpus=1-fixed=False": 3,
    "w1-cpus=2-fixed=False": 3,
}
LARGE = 5_000  # states; a plain search of cases with more is for `-m full`
BUGS = [
    (scenario, case)
    for scenario in (*SHAPES.values(), *built_in("scenarios").values())
    for case in scenario.cases
    if case.expect == "violated" and label(scenario, case) in FEWEST
]
IDS = [label(scenario, case) for scenario, case in BUGS]


def test_every_bug_of_the_zoo_is_pinned():
    assert sorted(IDS) == sorted(FEWEST)
    zoo = [(one, case) for one in SHAPES.values() for case in one.cases if case.expect == "violated"]
    assert {label(*one) for one in zoo} <= set(FEWEST)


@pytest.mark.parametrize(("scenario", "case"), BUGS, ids=IDS)
def test_the_fewest_switches_are_found_from_the_shortest_counterexample(scenario, case):
    parameters = scenario.convert(scenario.as_text(case.parameters))
    recorded = verify(scenario, parameters, Demand()).recorded
    least = minimise(scenario, parameters, recorded)
    assert least.exact
    assert least.after.switches == FEWEST[label(scenario, case)]
    assert least.recorded.names == case.violated


@pytest.mark.parametrize(("scenario", "case"), [bug for bug in BUGS if (bug[1].states or 0) < LARGE][::3])
def test_and_from_any_other(scenario, case):
    parameters = scenario.convert(scenario.as_text(case.parameters))
    findings = explore(scenario, parameters, Wanted(seed=5, executions=3000)).findings
    recorded = next(one.recorded for one in findings if one.recorded.names == case.violated)
    least = minimise(scenario, parameters, recorded)
    assert (least.exact, least.after.switches) == (True, FEWEST[label(scenario, case)])


def plainly(given):
    """Return the fewest switches to the violation, by going through all pairs of state and last program, level by level."""
    level, seen, switches = {(given.graph.first, None)}, set(), 0
    while level:
        after, stack = set(), list(level)
        while stack:
            state, last = stack.pop()
            if (state, last) in seen:
                continue
            seen.add((state, last))
            if state.ending is None:
                given.graph.options(state)
            if given.same(state):
                return switches
            for which, (column, _, moves) in enumerate(state.options or () if state.ending is None else ()):
                for index in range(len(moves)):
                    step = (given.graph.follow(state, which, index), column)
                    if last in {None, column}:
                        stack.append(step)
                    else:
                        after.add(step)
        level, switches = after, switches + 1
    return None


@pytest.mark.parametrize(
    ("scenario", "case"),
    [
        pytest.param(*bug, id=name, marks=[pytest.mark.full] if (bug[1].states or 0) > LARGE else [])
        for bug, name in zip(BUGS, IDS, strict=True)
    ],
)
def test_the_pins_are_what_a_search_that_prunes_nothing_finds(scenario, case):
    with opened(scenario(**scenario.convert(scenario.as_text(case.parameters)))) as given:
        assert plainly(given) == FEWEST[label(scenario, case)]
