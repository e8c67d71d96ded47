"""Windows: between which two steps others have to fall, in worlds where that is known."""

import pytest
from hypothesis import HealthCheck, assume

from actors.explore.explaining.outcomes import last_choice
from actors.explore.explaining.trials import Trials
from actors.explore.explaining.windows import narrowest
from actors.explore.minimising.minimal import minimal
from actors.explore.minimising.playing import play
from actors.runtime import World, fail
from tests.drawn import both
from tests.explore.explaining.conftest import ends
from tests.explore.minimising.conftest import opened
from tests.explore.proving import test_oracle as oracle
from tests.zoo.shapes import SHAPES


async def plain(variables, before, between, amount):
    x, other = variables
    for _ in range(before):
        await other.load()
    seen = await x.load()
    for _ in range(between):
        await other.load()
    await x.store(seen + amount)
    await other.load()


async def checks(variables, dones):
    for done in dones:
        await done.wait_for(True)
    assert await variables[0].load() == 11


async def does(variables, before, between, amount, done):
    await plain(variables, before, between, amount)
    await done.store(True)


def update(between=1):
    """Two add to a variable, one of them slowly, with steps on another variable before, between and behind."""
    world = World()
    variables = (world.variable("x", 0), world.variable("other", 0))
    dones = tuple(world.variable(f"done{i}", False) for i in range(2))
    world.program(does, variables, 2, between, 1, dones[0], name="slow")
    world.program(does, variables, 1, 0, 10, dones[1], name="fast")
    world.program(checks, variables, dones, name="check")
    return world


@pytest.mark.parametrize("between", [0, 1, 4])
def test_a_lost_update_has_a_window_from_the_load_to_the_store(between):
    with opened(update(between)) as given:
        log = minimal(given).log
    found = ends(update(between), log)
    interrupted, other = ("slow", "fast") if found[0][0].startswith("slow") else ("fast", "slow")
    amount = {"slow": 1, "fast": 10}
    assert found[0] == (f"{interrupted}: load x", f"{other}: store x {amount[other]}")
    assert found[1] == (f"{interrupted}: store x {amount[interrupted]}", f"{other}: load x")


async def late(x, ready):
    await ready.load()
    assert await x.load() == 1


async def prepares(x, ready):
    await ready.load()
    await x.store(1)


def unordered():
    world = World()
    x, ready = world.variable("x", 0), world.variable("ready", 0)
    world.program(late, x, ready)
    world.program(prepares, x, ready)
    return world


def test_a_step_that_only_has_to_come_first_closes_a_window_that_nothing_opens():
    assert ends(unordered()) == (None, ("prepares: store x 1", "late: load x"))


def test_in_the_zoo_the_windows_are_those_of_the_bugs():
    def of(name, **given):
        with opened(SHAPES[name](**given)) as found:
            log = minimal(found).log
        return ends(SHAPES[name](**given), log)

    assert of("needle", n=20) == (
        ("main.writer: store y 10", "main.reader: load y"),
        ("main.writer: store y 11", "main.reader: load y"),
    )
    assert of("reorder", n=3) == (
        ("main.setter0: store a 1", "main.checker: load a"),
        ("main.setter0: store b -1", "main.checker: load b"),
    )
    assert of("bluetooth_driver") == (
        ("main: load stopping", "main.stop: store stopping True"),
        ("main: lock.acquire", "main.stop: lock.acquire"),
    )
    assert of("din_phil", n=2) == (
        None,
        ("main.philosopher0: fork1.acquire", "main.philosopher1: fork1.acquire"),
    )


async def alone(x):
    await x.store(3)
    fail("in any order")


async def looks(x):
    await x.load()


def hopeless():
    world = World()
    x = world.variable("x", 0)
    world.program(alone, x)
    world.program(looks, x)
    return world


def test_what_fails_in_any_order_has_no_window():
    assert ends(hopeless()) is None


async def throws(x, choice):
    await x.load()
    assert await choice.choose(1, 2, 3) < 3
    await x.load()


def dice():
    world = World()
    x = world.variable("x", 0)
    world.program(throws, x, world.choice("die"), name="p")
    return world


def test_what_the_environment_chose_is_changed_where_no_order_helps():
    assert ends(dice()) is None
    with opened(dice()) as given:
        found = last_choice(given, Trials(given))
        assert found.place == 1
        assert [name for name, _ in found.passes.log] == ["p", "p", "p"]
        assert found.passes.ending == "finished"
    with opened(hopeless()) as given:
        assert last_choice(given, Trials(given)) is None


def test_events_that_do_not_happen_are_no_change_of_order():
    world = World()
    x = world.variable("x", 0)
    world.program(throws, x, world.choice("die"), name="p")
    world.source(looks, x, event="tick", budget=1)
    assert ends(world) is None


def test_no_more_is_tried_than_is_allowed():
    with opened(update()) as given:
        assert narrowest(given, Trials(given, most=0)) is None
        assert last_choice(given, Trials(given, most=0)) is None


@both(25, 100, drawn=oracle.worlds, suppress=[HealthCheck.filter_too_much])
def test_what_a_window_rests_on_can_be_played_again(drawn):
    states, _, shortest = oracle.search(drawn)
    assume(states <= 3_000 and shortest is not None)
    with opened(oracle.build(drawn)) as given:
        found = narrowest(given, Trials(given))
        assume(found is not None)
        for one in (found.opens, found.closes):
            if one is None:
                continue
            assert one.passes.ending == "finished"
            assert play(given.graph, one.passes.log) == one.passes
            mine = [step for step in one.passes.steps if step.name == found.program]
            if one.early:
                assert mine[one.ordinal].name == one.step.name == found.program
            assert given.played.steps[one.across].name != found.program
            assert one.steps >= 1
        assert found.flip in (found.opens, found.closes)
