"""One recorded execution: its record, its verdict, its token or why it has none."""

import pytest

from actors.explore.recording import run_once
from actors.explore.token import decode


@pytest.fixture
def recorded(worlds):
    return run_once(worlds["lossy"], {"n": 2, "unmet": True}, seed=3)


def test_the_record_says_what_was_run(recorded):
    record = recorded.record
    assert (record.scenario, record.question) == ("lossy", "Does an increment get lost?")
    assert record.parameters == (("n", "2"), ("checked", "false"), ("unmet", "true"))
    assert record.model.endswith("sequential consistency")
    assert [column.name for column in record.columns] == ["adder0", "adder1", "count"]
    assert [step.number for step in record.steps] == list(range(1, len(record.steps) + 1))
    assert len(recorded.rolling) == len(record.steps)
    assert recorded.sometimes == {"somebody stands between": True, "somebody flies": False}


def test_steps_say_who_did_what_where(recorded):
    step = next(step for step in recorded.record.steps if step.program == "adder0")
    assert (step.column, step.actor, step.function) == ("adder0", "memory", "add")
    assert step.file.endswith("conftest.py")
    assert step.reply in {"0", "1"}
    assert step.labels == (("between", "True"),)


def test_the_token_keeps_the_parameters_that_are_not_the_defaults(recorded):
    assert decode(recorded.token).parameters == (("unmet", "true"),)


def test_an_execution_that_ends_well(worlds):
    recorded = run_once(worlds["lossy"], {"n": 1})
    assert recorded.verdict == "not found"
    assert recorded.names == ()
    assert recorded.record.ending == "every required program has finished"


def test_an_execution_that_the_limit_ends_has_no_token(worlds):
    recorded = run_once(worlds["never_ends"], {}, limit=20)
    assert recorded.verdict == "inconclusive"
    assert recorded.token == ""
    assert recorded.record.ending == "stopped by the limit on steps"
    assert len(recorded.record.steps) == 20


def test_a_spawned_program_gets_a_column(worlds):
    records = [run_once(worlds["family"], {}, seed=seed).record for seed in range(12)]
    assert {tuple(column.name for column in record.columns) for record in records} == {("parent", "parent.0")}
    assert {record.violation.names for record in records} == {("deadlock",), ("parent: AssertionError",)}


def test_somebody_asks_to_stop(worlds):
    assert run_once(worlds["lossy"], {}, stop=lambda: True) is None
