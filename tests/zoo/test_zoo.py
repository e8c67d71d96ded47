"""The zoo: every case is verified as it declares, every finding replays, and a second opinion agrees."""

import pytest

from actors.explore.replay import replay
from actors.explore.token import decode
from actors.explore.verification import Demand, verify
from tests.zoo import tuples
from tests.zoo.shapes import SHAPES, label

LARGE = 20_000  # states; cases with more are for `-m full`


def verified(scenario, given):
    return verify(scenario, scenario.convert(scenario.as_text(given)), Demand())


CASES = [
    pytest.param(
        scenario,
        case,
        id=label(scenario, case),
        marks=[pytest.mark.full] if (case.states or 0) > LARGE else [],
    )
    for scenario in SHAPES.values()
    for case in scenario.cases
]


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_a_case_is_verified_as_it_declares(scenario, case):
    found = verified(scenario, case.parameters)
    assert found.verdict == case.expect
    assert found.states == case.states
    if found.recorded is None:
        return
    assert found.recorded.names == case.violated
    assert len(found.recorded.record.steps) == case.steps
    assert replay(scenario, decode(found.recorded.token)).record == found.recorded.record


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_shape_tells_its_bug_and_has_a_form_without_it(name):
    scenario = SHAPES[name]
    assert scenario.question.endswith("?")
    assert len(scenario.story.splitlines()) > 2
    assert {case.expect for case in scenario.cases} == {"violated", "proved"}
    assert all(case.parameters.get("fixed", False) == (case.expect == "proved") for case in scenario.cases)
    assert all(case.states is not None for case in scenario.cases)
    assert any(condition.mode == "sometimes" for condition in scenario().conditions)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_thread_is_spawned(name):
    assert [spec.handle.name for spec in SHAPES[name]().programs] == ["main"]


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    ("name", "given"),
    [
        *(
            ("lost_update", {"threads": t, "increments": i})
            for t, i in ((1, 2), (2, 1), (2, 2), (3, 1), (3, 2))
        ),
        *(("reorder", {"n": n}) for n in (2, 3, 4, 5)),
        *(("twostage", {"n": n}) for n in (2, 3, 4)),
        *(("din_phil", {"n": n}) for n in (2, 3, 4, 5)),
    ],
)
def test_a_search_that_shares_nothing_finds_the_same(name, given, fixed):
    verdict, steps, states = getattr(tuples, name)(**given, fixed=fixed).search()
    found = verified(SHAPES[name], {**given, "fixed": fixed})
    assert found.verdict == ("proved" if verdict == "proved" else "violated")
    if found.recorded is None:
        assert found.states == states
    else:
        assert len(found.recorded.record.steps) == steps
        assert (found.recorded.names == ("deadlock",)) == (verdict == "deadlock")


def test_a_shape_may_have_no_order_at_all_to_fail_in():
    assert verified(SHAPES["lost_update"], {"threads": 1, "increments": 3}).verdict == "proved"
