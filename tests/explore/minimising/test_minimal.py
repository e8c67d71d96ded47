"""Minimising findings: run on Trio before anybody sees them, of the same identity, and exact where that is said."""

import msgspec
import pytest

from actors.explore.minimising import minimal as module
from actors.explore.minimising.minimal import Counterexample, Unconfirmed, confirmed, minimise
from actors.explore.minimising.order import SHORTEST
from actors.explore.replay import replay
from actors.explore.sampling import Wanted, explore
from actors.explore.token import choices_of, decode
from actors.explore.verification import Demand, verify
from actors.runtime import World, scenario
from actors.runtime.loading import built_in

SCENARIOS = built_in("scenarios")


def found(name, seed=1, conditions=(), **given):
    parameters = SCENARIOS[name].convert(given)
    wanted = Wanted(seed=seed, conditions=conditions)
    return parameters, explore(SCENARIOS[name], parameters, wanted).findings[0].recorded


def test_a_sampled_finding_is_minimised_and_replays():
    parameters, recorded = found("w1", cpus="2", seed=3)
    least = minimise(SCENARIOS["w1"], parameters, recorded)
    assert least.exact
    assert least.before.steps == len(recorded.record.steps)
    assert least.after == (3, 1, 6)
    assert least.recorded.names == recorded.names
    assert len(least.recorded.record.steps) == 6
    again = replay(SCENARIOS["w1"], decode(least.recorded.token))
    assert again.record == least.recorded.record


def test_a_token_keeps_the_conditions_that_it_looks_at():
    parameters, recorded = found("xfd_err_leak", conditions=("S1",))
    least = minimise(SCENARIOS["xfd_err_leak"], parameters, recorded)
    assert least.recorded.names == recorded.names == ("S1: the guest's #NM handler finds its bit",)
    assert decode(least.recorded.token).only == decode(recorded.token).only != ()


def test_the_order_may_put_steps_first():
    scenario = SCENARIOS["tile_state_survives"]
    parameters = scenario.convert({"swap": "none"})
    recorded = verify(scenario, parameters, Demand()).recorded
    short = minimise(scenario, parameters, recorded, SHORTEST)
    calm = minimise(scenario, parameters, recorded)
    assert short.after.steps == len(recorded.record.steps) < calm.after.steps
    assert calm.after.switches < short.after.switches <= short.before.switches


async def fails_twice(x, first):
    if first:
        await x.store(1)
        assert await x.load() == 2, "one"
    await x.load()
    await x.load()
    assert await x.load() == 3, "two"


async def maybe(x, choice):
    await fails_twice(x, first=await choice.choose(False, True))


@scenario
def two_lines() -> World:
    """Are two lines that fail two failures?"""
    world = World()
    world.program(maybe, world.variable("x", 0), world.choice(), name="p")
    return world


def test_a_failure_is_one_of_the_same_line():
    seen = set()
    for seed in range(12):
        recorded = explore(two_lines, {}, Wanted(seed=seed, strategy="random")).findings[0].recorded
        least = minimise(two_lines, {}, recorded)
        text = least.recorded.record.violation.text
        assert text == recorded.record.violation.text
        assert least.after.steps == (3 if text.startswith("one") else 4)
        seen.add(text.partition("\n")[0])
    assert seen == {"one", "two"}


def test_what_trio_does_not_confirm_is_reported_as_a_bug(monkeypatch):
    parameters, recorded = (
        found("lost_update", n="3", strategy=None) if False else found("lost_update", n="3")
    )
    monkeypatch.setattr(module, "minimal", wrong)
    with pytest.raises(Unconfirmed, match="on Trio, not every increment counts after 1"):
        minimise(SCENARIOS["lost_update"], parameters, recorded)


def wrong(given, order, *, limit, stop):
    counts = given.counts(given.played)
    return module.Minimal([("worker0", 0)], counts, counts, True)


def test_a_log_that_trio_cannot_follow_is_a_bug_as_well():
    parameters, recorded = found("lost_update")
    with pytest.raises(Unconfirmed, match="whose message is not enabled"):
        confirmed(SCENARIOS["lost_update"], parameters, [("nobody", 0)], None, recorded.names)


def test_what_the_tables_do_not_violate_is_a_bug_as_well():
    parameters, recorded = found("lost_update")
    violation = msgspec.structs.replace(recorded.record.violation, names=("another",))
    record = msgspec.structs.replace(recorded.record, violation=violation)
    with pytest.raises(Unconfirmed, match="another on Trio, and not on the tables"):
        minimise(SCENARIOS["lost_update"], parameters, msgspec.structs.replace(recorded, record=record))


def test_an_execution_that_violates_nothing_is_no_counterexample():
    from actors.explore.recording import run_once
    from actors.explore.tables.tables import Tables

    fine = run_once(SCENARIOS["lost_update"], {"locked": True})
    with Tables(SCENARIOS["lost_update"](locked=True)) as tables:
        assert not Counterexample(tables, choices_of(decode(fine.token))).violated
