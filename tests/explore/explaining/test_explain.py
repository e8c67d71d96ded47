"""Explaining records: every answer comes from Trio as well, and a token is explained the same way each time."""

import random

import msgspec
import pytest
from hypothesis import strategies as st

from actors.explore.explaining import explain
from actors.explore.explaining.explain import explained
from actors.explore.minimising.minimal import Unconfirmed
from actors.explore.minimising.order import FEWEST_SWITCHES
from actors.explore.recording import run_once
from actors.explore.replay import replay
from actors.explore.sampling import Wanted, explore
from actors.explore.showing import shown
from actors.explore.token import decode
from actors.explore.verification import Demand, verify
from actors.runtime import World, become, scenario
from actors.runtime.loading import built_in
from tests.drawn import both
from tests.explore.explaining.conftest import scenario_of
from tests.runtime.generated import build, programs

SCENARIOS = built_in("scenarios")


def bare(record):
    """Return a record without what explains it."""
    steps = tuple(msgspec.structs.replace(step, distance=None) for step in record.steps)
    return msgspec.structs.replace(record, steps=steps, explanation=None)


def found(scenario, parameters=None, **wanted):
    return explore(scenario, parameters or {}, Wanted(seed=1, **wanted)).findings[0].recorded


def test_a_record_is_explained_and_otherwise_as_it_was():
    recorded = found(SCENARIOS["w1"], SCENARIOS["w1"].convert({}))
    one = explained(SCENARIOS["w1"], SCENARIOS["w1"].convert({}), recorded)
    assert bare(one.record) == recorded.record
    assert one.token == recorded.token
    assert (one.record.explanation.window.opens.text, one.record.explanation.window.closes.text) == (
        "G1",
        "G3",
    )
    assert one.record.explanation.flip.cells == ("cpu0",)
    again = explained(SCENARIOS["w1"], SCENARIOS["w1"].convert({}), recorded)
    assert again == one


def test_the_steps_that_an_explanation_names_are_near_and_so_are_events():
    recorded = found(SCENARIOS["w1"], SCENARIOS["w1"].convert({}))
    one = explained(SCENARIOS["w1"], SCENARIOS["w1"].convert({}), recorded)
    near = {step.text for step in one.record.steps if step.distance == 0}
    assert {"G1", "exit", "T1"} <= near
    assert None in {step.distance for step in one.record.steps}


def test_what_violates_nothing_is_left_as_it_is():
    recorded = run_once(SCENARIOS["lost_update"], {"locked": True})
    assert explained(SCENARIOS["lost_update"], {"locked": True}, recorded) is recorded
    assert shown(SCENARIOS["lost_update"], {"locked": True}, recorded, FEWEST_SWITCHES).recorded is recorded


def never(value):
    return value != 0


@scenario
def wrong_from_the_start() -> World:
    """Is anything right?"""
    world = World()
    x = world.variable("x", 0)
    world.program(stores, x, 1)
    world.always("x is not 0", never, x)
    return world


async def stores(x, value):
    await x.store(value)


def test_a_violation_without_steps_needs_no_explanation():
    recorded = found(wrong_from_the_start)
    assert explained(wrong_from_the_start, {}, recorded) is recorded


async def for_ever(x):
    await x.load()
    return become(for_ever, x)


async def meets(x):
    await x.store(1)
    assert await x.load() == 1


@scenario
def endless() -> World:
    """Is what never ends explained?"""
    world = World()
    x = world.variable("x", 0)
    world.program(for_ever, world.variable("y", 0))
    world.program(meets, x, name="a")
    world.program(stores, x, 2, name="b")
    return world


def test_no_order_of_a_world_without_end_passes():
    one = explained(endless, {}, found(endless, strategy="random"))
    assert (one.record.explanation.window, one.record.explanation.flip) == (None, None)


def test_too_many_steps_are_not_looked_at_one_by_one(monkeypatch):
    recorded = found(SCENARIOS["lost_update"])
    monkeypatch.setattr(explain, "_SLICED", len(recorded.record.steps) - 1)
    one = explained(SCENARIOS["lost_update"], {}, recorded)
    assert {step.distance for step in one.record.steps} == {None}
    assert one.record.explanation.window is not None


def test_an_order_that_passes_on_the_tables_alone_is_a_bug(monkeypatch):
    recorded = found(SCENARIOS["lost_update"])

    def wrong(scenario, parameters, log, only, names):
        raise Unconfirmed("every increment counts after 6 steps on Trio, not nothing violated after 6")

    monkeypatch.setattr(explain, "confirmed", wrong)
    with pytest.raises(Unconfirmed, match="not nothing violated"):
        explained(SCENARIOS["lost_update"], {}, recorded)


@both(
    20,
    60,
    drawn=programs.filter(lambda one: not all(background for _, background in one)),
    seed=st.integers(0, 99),
)
def test_any_violation_can_be_shown_and_what_is_said_of_it_replays(drawn, seed):
    generated = scenario_of(lambda: build(drawn))
    recorded = run_once(generated, {}, seed=seed, limit=200)
    if not recorded.names:
        return
    order = random.Random(seed).choice([None, FEWEST_SWITCHES])
    one, least = shown(generated, {}, recorded, order)
    assert one.names == recorded.names
    assert bare(one.record) == replay(generated, decode(one.token)).record
    assert (least is None) == (order is None)
    if not one.record.steps:
        return
    assert one.record.steps[-1].distance == 0
    flip = one.record.explanation.flip
    assert flip is None or one.record.explanation.hopeless is None
    if flip is None:
        assert one.record.explanation.window is None
        return
    passes = replay(generated, decode(flip.token))
    assert passes.record.violation is None
    assert not passes.undecided
    if flip.second is not None:
        done = [(step.program, step.text) for step in passes.record.steps]
        first, second = ((step.program, step.text) for step in (flip.first, flip.second))
        assert first in done
        assert second not in done or done.index(first) < len(done) - 1 - done[::-1].index(second)


async def late(x, y):
    for _ in range(3):
        await x.load()
    await y.store(1)
    await x.store(1)


async def tick(x):
    await x.store(1)


@scenario()
def behind_another() -> World:
    """Does x stay 0? A tick sets it; so does a program, that breaks another rule first."""
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    world.program(late, x, y)
    world.source(tick, x, event="tick", budget=1)
    world.always("x is 0", lambda value: value == 0, x)
    world.always("y is 0", lambda value: value == 0, y)
    return world


def test_what_happens_as_well_behind_something_else_needs_no_event():
    recorded = verify(behind_another, {}, Demand()).recorded
    assert recorded.names == ("x is 0",)
    one = explained(behind_another, {}, recorded)
    assert [(need.event, need.least) for need in one.record.explanation.needs] == [("tick", 0)]
