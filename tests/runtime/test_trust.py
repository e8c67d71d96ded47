"""What else a verdict rests on: builders, conditions, labels, names, and digests that notice."""

from enum import Enum
from itertools import count

import pytest
import trio

from actors.explore.recording import run_once
from actors.explore.replay import replay
from actors.explore.sampling import Wanted, explore
from actors.explore.token import decode
from actors.runtime import World, scenario, set_label, spawn
from actors.runtime.determinism import check_builder
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.errors import Divergence, ModelError, Nondeterminism, NotAValue
from actors.runtime.schedule import Default
from actors.runtime.values import check_value, encode

COUNTER = count()
LABELLED = [True]


async def stores(x):
    await x.store(1)


async def spawns(x):
    await spawn(stores, x)


async def labels(x):
    await x.store(1)
    if LABELLED[0]:
        set_label("bad")
    await x.store(2)


async def flickers(x):
    await x.store(1)
    set_label("n", next(COUNTER))
    await x.store(2)
    set_label("n", 0)


def checked(world):
    async def main():
        async with open_driver(world) as driver:
            return await driver.run(Default(), checked=True)

    return trio.run(main)


@scenario()
def counted() -> World:
    """Is each world another one?"""
    world = World()
    world.program(stores, world.variable("x", next(COUNTER)))
    return world


@scenario()
def labelled() -> World:
    """Is a label set?"""
    world = World()
    program = world.program(labels, world.variable("x", 0))
    world.always("nothing is bad", lambda label: label is None, program.label("bad"))
    return world


def test_a_builder_that_counts_is_refused():
    with pytest.raises(Nondeterminism, match=r"builds two different worlds .* cells differ"):
        check_builder(counted, {})
    with pytest.raises(Nondeterminism):
        explore(counted, {}, Wanted(executions=1))


def test_a_condition_that_counts_is_refused_by_name_and_line():
    world = World()
    x = world.variable("x", 0)
    world.program(stores, x)
    world.always("even", lambda value: (next(COUNTER) + value) % 2 == 0, x)
    with pytest.raises(Nondeterminism, match=r"condition 'even' decided in two ways .*test_trust\.py:\d+"):
        checked(world)


def test_a_label_that_only_flickers_is_compared_as_well():
    world = World()
    world.program(flickers, world.variable("x", 0))
    with pytest.raises(Nondeterminism, match=r"flickers is not deterministic.*labels"):
        checked(world)


def test_a_token_notices_that_a_label_is_gone():
    LABELLED[0] = True
    token = run_once(labelled, {}).token
    assert replay(labelled, decode(token)).verdict == "violated"
    LABELLED[0] = False
    with pytest.raises(Divergence, match=r"diverges"):
        replay(labelled, decode(token))
    LABELLED[0] = True


def test_two_conditions_of_one_name_are_refused():
    world = World()
    x = world.variable("x", 0)
    world.sometimes("reached", bool, x)
    with pytest.raises(ModelError, match="two conditions called 'reached'"):
        world.sometimes("reached", bool, x)


def test_a_world_in_which_nobody_has_to_run_is_refused():
    world = World()
    with pytest.raises(ModelError, match="no program that has to finish"):
        world.check()
    world.program(stores, world.variable("x", 0), background=True)
    with pytest.raises(ModelError, match="no program that has to finish"):
        world.check()


def test_a_label_of_nobody_is_refused_and_one_of_a_child_is_not():
    world = World()
    parent = world.program(spawns, world.variable("x", 0), name="p")
    world.sometimes("later", bool, type(parent)("p.0").label("up"))
    world.check()
    world.sometimes("never", bool, type(parent)("q").label("up"))
    with pytest.raises(ModelError, match="label of 'q', a program that this world lacks"):
        world.check()


def test_a_spawn_does_not_take_over_a_users_cell():
    world = World()
    x = world.variable("x", 0)
    world.variable("life of p.0", 42)
    world.program(spawns, x, name="p")
    with pytest.raises(ModelError, match=r"a cell called 'life of p\.0' already"):
        checked(world)


def test_a_scenario_without_a_name_is_refused():
    with pytest.raises(ModelError, match="'<lambda>' cannot be one"):
        scenario()(lambda: World())  # noqa: PLW0108  # a name is what it lacks


class Box(Enum):
    BOX = [0]  # noqa: RUF012  # what is refused


def test_an_enum_is_a_value_if_its_content_is():
    with pytest.raises(NotAValue, match=r"argument\.value: list is not a value"):
        check_value(Box.BOX, "argument")


def test_every_value_has_an_encoding():
    assert encode(10**5000) != encode(10**5000 + 1)
    assert encode("\ud800") != encode("\ud801")
    assert encode(-1) != encode(1)
