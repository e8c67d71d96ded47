"""The chart of every violated case there is fits on a page, however the case is shown."""

import pytest

from actors.explore.minimising.order import FEWEST_SWITCHES, SHORTEST
from actors.explore.showing import shown
from actors.explore.verification import Demand, verify
from actors.observe.chart import LINES, chart
from actors.observe.text import WIDTH
from actors.runtime.loading import built_in
from tests.zoo.shapes import SHAPES, label

LARGE = 3_000  # states
VIOLATED = [
    (scenario, case, order)
    for scenario in (*built_in("scenarios").values(), *SHAPES.values())
    for case in scenario.cases
    if case.expect == "violated"
    for order in (FEWEST_SWITCHES, SHORTEST)
]


@pytest.mark.parametrize(
    ("scenario", "case", "order"),
    [
        pytest.param(
            *one,
            id=f"{label(one[0], one[1])}-{'switches' if one[2] is FEWEST_SWITCHES else 'steps'}",
            marks=[pytest.mark.full] if number % 5 or (one[1].states or 0) > LARGE else [],
        )
        for number, one in enumerate(VIOLATED)
    ],
)
def test_a_chart_fits_on_a_page(scenario, case, order):
    parameters = scenario.convert(scenario.as_text(case.parameters))
    recorded = verify(scenario, parameters, Demand()).recorded
    record = shown(scenario, parameters, recorded, order).recorded.record
    lines = chart(record).split("\n")
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    # A kernel with a line taken away may be wrong in every order, which is then known.
    assert (record.explanation.flip is None) == (record.explanation.hopeless is not None)
