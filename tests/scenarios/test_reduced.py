"""Every case of every scenario: a reduced search answers what it declares, and finds no longer counterexample."""

import pytest

from actors.explore.verification import Demand, verify
from actors.runtime.loading import built_in

LARGE = 3_000  # states; what has more is for `-m full`
CASES = [
    pytest.param(
        scenario,
        case,
        id=f"{scenario.name}-{'-'.join(map(str, case.parameters.values()))}",
        marks=[pytest.mark.full] if (case.states or 0) > LARGE else [],
    )
    for scenario in built_in("scenarios").values()
    for case in scenario.cases
]


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_a_reduced_search_answers_what_the_case_declares(scenario, case):
    parameters = scenario.convert(scenario.as_text(case.parameters))
    found = verify(scenario, parameters, Demand(reduce=True))
    assert (found.verdict, found.limit) == (case.expect, None)
    if case.expect != "violated":
        assert found.states <= case.states
        return
    assert found.shortest
    assert found.recorded.names == case.violated
    assert len(found.recorded.record.steps) == case.steps
