"""The questions behind the first answer: a hygiene condition must not hide who is harmed, nor invent it."""

import pytest

from actors.explore.sampling import Wanted, explore
from scenarios.swap_window import HYGIENE, S1, swap_window
from scenarios.tile_state_survives import SURVIVES, tile_state_survives
from scenarios.xfd_not_restored import HYGIENE as XFD_HYGIENE
from scenarios.xfd_not_restored import xfd_not_restored


def test_interrupts_alone_break_the_rule_and_harm_nobody():
    rule = explore(swap_window, {"window": "irqs_on"}, Wanted(executions=500, conditions=(HYGIENE,)))
    assert (rule.verdict, rule.kind) == ("violated", "hygiene")
    harm = explore(swap_window, {"window": "irqs_on"}, Wanted(executions=150, conditions=(S1,)))
    assert harm.verdict == "not found"


def test_preemption_in_the_same_window_kills_the_guest():
    found = explore(swap_window, {"window": "preemptible"}, Wanted(executions=1000, conditions=(S1,)))
    assert (found.verdict, found.kind) == ("violated", "symptom")
    assert found.findings[0].recorded.record.violation.text == "guest: unexpected #NM exception"


def test_a_host_with_the_guests_xfd_dies_of_its_own_xrstors():
    found = explore(xfd_not_restored, {}, Wanted(executions=300, keep_going=True))
    assert XFD_HYGIENE in found.violated
    assert "task: Die" in found.violated
    died = next(finding for finding in found.findings if "task: Die" in finding.recorded.names)
    violation = died.recorded.record.violation
    assert violation.text == "unexpected #NM exception"
    assert any("xrstors" in step.text and step.reply == "#NM" for step in died.recorded.record.steps[-4:])


def test_a_live_tile_survives_on_the_mails_premise_alone():
    for swap, xfd_set, verdict in (
        ("full", "keep", "not found"),
        ("msr_lists", "keep", "not found"),
        ("full", "implied", "not found"),
        ("full", "undefined", "violated"),
        ("none", "keep", "violated"),
    ):
        found = explore(tile_state_survives, {"swap": swap, "xfd_set": xfd_set}, Wanted(executions=200))
        assert found.verdict == verdict, (swap, xfd_set)
        assert found.violated in {(), (SURVIVES,)}


@pytest.mark.parametrize(
    ("tracking", "xfd_set", "verdict"),
    [
        ("by_value", "implied", "not found"),
        ("architectural", "implied", "violated"),
        ("architectural", "keep", "not found"),
        ("architectural", "undefined", "violated"),
    ],
)
def test_all_that_the_manual_allows_includes_that_setting_xfd_loses_the_tile(tracking, xfd_set, verdict):
    parameters = {"tracking": tracking, "xfd_set": xfd_set}
    found = explore(tile_state_survives, parameters, Wanted(executions=100))
    assert found.verdict == verdict
