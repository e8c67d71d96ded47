"""What is shown of each violated case of the scenarios, and the files that pin it; run as a script it writes them again.

python -m tests.scenarios.snapshots
"""

import functools
from pathlib import Path

from actors.explore.minimising.order import FEWEST_SWITCHES
from actors.explore.showing import Shown, shown
from actors.explore.verification import Demand, verify
from actors.observe.chart import chart
from actors.observe.explanation import explanation_lines
from actors.observe.report import entry
from actors.runtime.loading import built_in
from actors.runtime.scenario import Case, Scenario

HERE = Path(__file__).parent / "snapshots"
SCENARIOS = built_in("scenarios")


def violated() -> list[tuple[Scenario, int]]:
    """Return the violated cases: scenario, and place among its cases."""
    return [
        (scenario, place)
        for scenario in SCENARIOS.values()
        for place, case in enumerate(scenario.cases)
        if case.expect == "violated"
    ]


def parameters_of(scenario: Scenario, case: Case) -> dict[str, object]:
    """Return all parameters of a case, the defaults among them."""
    return scenario.convert({name: scenario.as_text(case.parameters)[name] for name in case.parameters})


@functools.cache
def shown_of(name: str, place: int) -> Shown:
    """Return what is shown of a case: its shortest counterexample, minimised and explained."""
    scenario = SCENARIOS[name]
    parameters = parameters_of(scenario, scenario.cases[place])
    recorded = verify(scenario, parameters, Demand()).recorded
    assert recorded is not None
    return shown(scenario, parameters, recorded, FEWEST_SWITCHES)


def file_of(name: str, place: int) -> Path:
    """Return the file that pins a case."""
    scenario = SCENARIOS[name]
    case = scenario.cases[place]
    given = scenario.as_text(case.parameters)
    return HERE / ("-".join((name, *(f"{one}={given[one]}" for one in case.parameters))) + ".txt")


def drawn(name: str, place: int) -> str:
    """Return a case as it is pinned: the chart, and what explains it."""
    record = shown_of(name, place).recorded.record
    assert record.explanation is not None
    lines = [line for key, text in explanation_lines(record.explanation) for line in entry(key, text)]
    return "\n".join([chart(record), "", *lines, ""])


def main() -> None:
    """Write all files again."""
    for old in HERE.glob("*.txt"):
        old.unlink()
    for scenario, place in violated():
        file_of(scenario.name, place).write_text(drawn(scenario.name, place))


if __name__ == "__main__":
    main()
