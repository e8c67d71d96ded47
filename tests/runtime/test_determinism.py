"""The determinism check compares all that a program did: messages, how it went on, how it ended, and labels."""

import itertools

import pytest

from actors.runtime import World, become, fail, set_label, spawn
from actors.runtime.errors import Nondeterminism

COUNT = itertools.count()


def other():
    """Return another number each time."""
    return next(COUNT)


def build(function, **options):
    world = World()
    world.program(function, world.variable("x", 0), name="p", **options)
    return world


async def stores(x, value=0):
    await x.store(value)


async def ends_differently(x):
    await x.load()
    if other() % 2:
        fail("now and then")


async def fails_differently(x):
    await x.load()
    fail(f"number {other()}")


async def labels_differently(x):
    await x.load()
    set_label("number", other())


async def becomes_differently(x):
    await x.load()
    return become(stores, x, other())


async def waits_differently(x):
    await x.load()
    await x.wait_for(1000 + other())


async def spawns_differently(x):
    await x.load()
    await spawn(stores, x, other())


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (
            fails_differently,
            r"after step 1 of it it failed \(AssertionError: number \d+\), and with the same replies it failed",
        ),
        (labels_differently, "after step 1 of it its labels were"),
        (becomes_differently, "after step 1 of it it became stores"),
        (waits_differently, "step 2 of it was wait for x"),
        (spawns_differently, r"step 2 of it was spawn p\.0"),
    ],
)
def test_every_difference_is_found(program, says, run):
    with pytest.raises(Nondeterminism, match=f"program p is not deterministic: .*{says}"):
        run(build(program), checked=True)


def test_a_failure_now_and_then_is_found(run):
    for _ in range(2):  # whichever comes first, the other follows
        with pytest.raises(Nondeterminism, match=r"it (failed|returned)"):
            run(build(ends_differently), checked=True)
        other()


async def long_lived(x, rounds=3):
    first = await x.fetch_add(1)
    set_label("rounds", rounds)
    await spawn(stores, x, first, name=f"child{rounds}")
    if rounds == 0:
        fail("the end")
    return become(long_lived, x, rounds - 1)


async def released(lock, x):
    await lock.release()


def test_nothing_else_is(run):
    assert run(build(long_lived), checked=True).violation.text == "the end"
    world = World()
    world.program(released, world.lock("l"), world.variable("x", 0))
    assert run(world, checked=True).violation.names == ("released: RuntimeError",)


def test_programs_that_did_not_begin_or_end_are_compared_as_far_as_they_got(run):
    world = World()
    x = world.variable("x", 0)
    world.program(stores, x)
    world.program(long_lived, x, background=True)
    assert run(world, checked=True).ending == "finished"
