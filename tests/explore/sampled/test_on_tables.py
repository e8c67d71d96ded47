"""Exploring on tables: the fallback to coroutines, batches, and the comparison with Trio."""

import json

import pytest

from actors.explore.sampled import agreement, on_tables
from actors.explore.sampling import Wanted, explore
from actors.runtime import World, scenario
from actors.runtime.loading import built_in

W1 = built_in("scenarios")["w1"]


def summary(found):
    findings = [(one.execution, one.recorded.token) for one in found.findings]
    return found.executions, found.steps, found.violations, found.sometimes, findings


@pytest.mark.parametrize("strategy", ["random", "pct", "pos"])
def test_a_tiny_limit_makes_it_step_coroutines_and_changes_nothing(worlds, strategy):
    wanted = {"strategy": strategy, "executions": 60, "keep_going": True, "seed": 4}
    for limit in (0, 20, 60):
        tables = explore(worlds["lossy"], {"n": 3}, Wanted(**wanted))
        direct = explore(worlds["lossy"], {"n": 3}, Wanted(**wanted, tables=limit))
        assert summary(direct) == summary(tables)
        assert direct.unreproduced == ()


def test_without_tables_the_others_find_it_as_well(worlds):
    for strategy in ("portfolio", "fresh", "urw"):
        wanted = Wanted(strategy=strategy, executions=300, keep_going=True, tables=0)
        found = explore(worlds["family"], {}, wanted)
        assert set(found.violated) == {"deadlock", "parent: AssertionError"}


@pytest.mark.parametrize("strategy", ["random", "urw"])
def test_batches_change_nothing(monkeypatch, strategy):
    wanted = Wanted(strategy=strategy, executions=700, keep_going=True, seed=2)
    batched = explore(W1, {}, wanted)
    monkeypatch.setattr(on_tables, "_WORTH", 10**9)
    assert summary(explore(W1, {}, wanted)) == summary(batched)


def test_a_batch_ends_with_the_first_violation(monkeypatch):
    wanted = Wanted(strategy="random", executions=5000, seed=3)
    monkeypatch.setattr(on_tables, "_ALONE", 0)
    parameters = {"fixed": False}
    batched = explore(W1, parameters, wanted)
    monkeypatch.setattr(on_tables, "_WORTH", 10**9)
    assert summary(explore(W1, parameters, wanted)) == summary(batched)
    assert batched.violations == 1


def test_progress_is_told_batch_by_batch():
    done = []
    explore(W1, {"fixed": True}, Wanted(strategy="random", executions=2000), progress=done.append)
    assert done == sorted(done)
    assert done[-1] == 2000
    assert len(done) < 100


def test_a_batch_is_stopped_between_executions():
    asked = iter([False] * 100)
    found = explore(
        W1, {"fixed": True}, Wanted(strategy="random", executions=10**9), stop=lambda: next(asked, True)
    )
    assert found.stopped


BUILDS = []


async def stores(x, value):
    await x.store(value)
    await x.store(value)


@scenario()
def two_faced(flip: bool = False) -> World:
    """Do the drivers agree?"""
    world = World()
    world.program(stores, world.variable("x", 0), 1)
    return world


def test_drivers_that_disagree_are_a_bug(monkeypatch):
    monkeypatch.setattr(agreement, "happened", lambda _rows: [("somebody", "memory", None, "", None)])
    found = explore(two_faced, {}, Wanted(executions=5))
    (lost,) = found.unreproduced
    assert (found.verdict, lost.execution) == ("inconclusive", 1)
    assert "at step 1 the drivers differ" in lost.why


def test_disagreement_exits_with_four(monkeypatch, capsys):
    from actors.cli import main

    monkeypatch.setattr(agreement, "happened", lambda _rows: [("somebody", "memory", None, "", None)])
    assert main(["explore", "lost_update", "-p", "locked=true", "--json"]) == 4
    assert "this is a bug in vmrace" in json.loads(capsys.readouterr().out)["message"]
