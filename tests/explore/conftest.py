"""Small worlds to explore, and a scenario that can be edited between making a token and replaying it."""

import pytest

from actors.runtime import World, become, fail, scenario, set_label, spawn


async def add(counter, done):
    """Lose an update, if two do this at once."""
    seen = await counter.load()
    set_label("between")
    await counter.store(seen + 1)
    set_label("between", value=None)
    await done.store(True)


async def count(counter, flags):
    for flag in flags:
        await flag.wait_for(True)
    total = await counter.load()
    assert total == len(flags), f"{len(flags)} increments, and the counter is {total}"


def two_is_never_passed(value):
    return value < 2


def is_set(value):
    return bool(value)


@scenario()
def lossy(n: int = 2, checked: bool = False, unmet: bool = False) -> World:
    """Does an increment get lost?"""
    world = World()
    counter = world.variable("counter", 0)
    flags = tuple(world.variable(f"done{i}", False) for i in range(n))
    adders = [world.program(add, counter, flag, name=f"adder{i}") for i, flag in enumerate(flags)]
    world.program(count, counter, flags)
    world.sometimes("somebody stands between", is_set, adders[0].label("between"))
    if unmet:
        world.sometimes("somebody flies", is_set, adders[0].label("flying"))
    if checked:
        world.always("the counter stays below two", two_is_never_passed, counter, kind="hygiene")
    return world


async def endless(x):
    await x.load()
    return become(endless, x)


@scenario()
def never_ends() -> World:
    """Does it end?"""
    world = World()
    world.program(endless, world.variable("x", 0))
    return world


async def child(x, amount):
    await x.store(amount)


async def parent(x, choice):
    await spawn(child, x, await choice.choose(1, 2, 3))
    await x.wait_for(2)
    fail("two was chosen")


@scenario()
def family() -> World:
    """A spawn, a choice of the environment, and a deadlock for those who choose wrongly."""
    world = World()
    world.program(parent, world.variable("x", 0), world.choice())
    return world


async def waits_before_it_fails(x, choice):
    for _ in range(await choice.choose(1, 2, 3, 4, 5, 6, 7, 8)):
        await x.load()
    fail("at last")


@scenario()
def fails_late() -> World:
    """One way of going wrong, sooner or later."""
    world = World()
    world.program(waits_before_it_fails, world.variable("x", 0), world.choice())
    return world


@pytest.fixture
def worlds():
    return {"lossy": lossy, "never_ends": never_ends, "family": family, "fails_late": fails_late}
