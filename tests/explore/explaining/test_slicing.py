"""Which steps matter, in worlds where that can be told by looking at them."""

import msgspec

from actors.explore.explaining.symptom import steps_that_matter
from actors.explore.explaining.trials import Trials
from actors.explore.explaining.windows import narrowest
from actors.runtime import Device, Footprint, Outcome, World, fail, join, set_label, spawn
from protocol.handles import Cell
from tests.explore.explaining.conftest import text
from tests.explore.minimising.conftest import opened


def mattering(world, log=None, *, compared=False):
    """Return the steps that matter in a violating execution, in their order; `compared` with orders that pass."""
    with opened(world, log) as given:
        found = narrowest(given, Trials(given)) if compared else None
        ends = [one for one in (found.opens, found.closes) if one is not None] if found is not None else []
        distance = steps_that_matter(given.tables, given.played, [one.passes for one in ends])
        return [text(one) for at, one in enumerate(given.played.steps) if at in distance]


def in_turn(*names):
    """Return the log of programs that take their steps one by one, `a3` meaning three of a's."""
    return [(name.rstrip("0123456789"), 0) for name in names for _ in range(int(name.lstrip("pqrs") or 1))]


def variables(world, names="xyz"):
    return [world.variable(name, 0) for name in names]


async def stores(x, *values):
    for value in values:
        await x.store(value)


async def copies(x, y, z):
    await z.load()
    value = await x.load()
    await z.store(9)
    await y.store(value)


def test_values_are_followed_from_variable_to_variable():
    world = World()
    x, y, z = variables(world)
    world.program(stores, x, 1, name="p")
    world.program(copies, x, y, z, name="q")
    world.program(stores, z, 3, name="r")
    world.always("y is 0", lambda value: value == 0, y)
    log = in_turn("r", "p", "q4")
    assert mattering(world, log) == ["p: store x 1", "q: load x", "q: store y 1"]


async def if_set(x, y, z):
    await z.load()
    if await x.load():
        await y.store(1)


def test_a_reply_matters_that_decided_whether_a_step_is_taken():
    world = World()
    x, y, z = variables(world)
    world.program(stores, x, 1, name="p")
    world.program(stores, z, 1, name="r")
    world.program(if_set, x, y, z, name="q")
    world.always("y is 0", lambda value: value == 0, y)
    log = in_turn("r", "p", "q3")
    assert mattering(world, log) == ["p: store x 1", "q: load x", "q: store y 1"]


async def on_a_detour(x, y, z):
    if await x.load():
        await z.load()
        await z.load()
    await y.store(1)


def test_a_reply_that_only_led_on_a_detour_does_not():
    for happens in (True, False):
        world = World()
        x, y, z = variables(world)
        world.program(stores, x, *([1] if happens else [1, 0]), name="p")
        world.program(on_a_detour, x, y, z, name="q")
        world.always("y is 0", lambda value: value == 0, y)
        log = in_turn("p", "q4") if happens else in_turn("p2", "q2")
        assert mattering(world, log) == ["q: store y 1"]


class Both(msgspec.Struct, frozen=True):
    left: int = 0
    right: int = 0


class Add(msgspec.Struct, frozen=True):
    to: str


class Halves(Device, frozen=True):
    """Adds to one half of a cell, and carries the other along; `left` can only be added to where `right` is even."""

    def footprint(self, sender, message, read):  # noqa: ARG002  # its interface
        return Footprint((Cell("both"),), (Cell("both"),), self.name)

    def handle(self, sender, message, values):  # noqa: ARG002  # its interface
        both = values[Cell("both")]
        if message.to == "left" and both.right % 2:
            return ()
        after = msgspec.structs.replace(both, **{message.to: getattr(both, message.to) + 1})
        return (Outcome(None, ((Cell("both"), after),)),)


async def adds(device, *halves):
    for half in halves:
        await device.send(Add(half))


def halves(right):
    world = World()
    world.cell(Cell("both"), Both())
    device = Halves("d")
    world.program(adds, device, *["right"] * right, name="p")
    world.program(adds, device, "left", name="q")
    world.always("left is 0", lambda both: both.left == 0, Cell("both"))
    return world


def test_of_a_cell_only_the_part_matters_that_is_used():
    assert mattering(halves(1), in_turn("q")) == ["q: d.add left"]
    # Without the second the third one could not have been: what makes a step possible matters as well.
    assert mattering(halves(2), in_turn("p2", "q")) == ["p: d.add right", "p: d.add right", "q: d.add left"]


async def fails_at_two(x, z):
    await z.load()
    assert await x.load() != 2


def test_a_failure_is_followed_to_the_value_that_it_is_about():
    world = World()
    x, _, z = variables(world)
    world.program(stores, x, 1, 2, name="p")
    world.program(stores, z, 7, name="r")
    world.program(fails_at_two, x, z, name="q")
    assert mattering(world, in_turn("r", "p2", "q2")) == ["p: store x 2", "q: load x"]


async def labels(x):
    await x.load()
    set_label("seen", await x.load())
    await x.load()


def test_a_label_is_followed_to_what_it_was_set_from():
    world = World()
    x, y, _ = variables(world)
    world.program(stores, x, 1, name="p")
    who = world.program(labels, x, name="q")
    world.program(stores, y, 1, name="r")
    world.always(
        "q does not see 1 while y is 1", lambda seen, value: not (seen == 1 and value), who.label("seen"), y
    )
    assert mattering(world, in_turn("p", "q2", "r")) == ["p: store x 1", "q: load x", "r: store y 1"]


async def takes(first, second, z):
    await first.acquire()
    await z.load()
    await second.acquire()


def test_a_deadlock_is_followed_to_who_has_what():
    world = World()
    one, other = world.lock("l"), world.lock("m")
    z = world.variable("z", 0)
    world.program(takes, one, other, z, name="p")
    world.program(takes, other, one, z, name="q")
    assert mattering(world, in_turn("p2", "q2")) == ["p: l.acquire", "q: m.acquire", "q: load z"]


async def child(y, value):
    await y.store(value)


async def parent(x, y, z):
    await z.load()
    await join(await spawn(child, y, await x.load(), name="c"))


def test_what_a_program_was_spawned_with_is_followed_to_its_parent():
    world = World()
    x, y, z = variables(world)
    world.program(stores, x, 1, name="p")
    world.program(parent, x, y, z, name="q")
    world.always("y is 0", lambda value: value == 0, y)
    log = [("p", 0), ("q", 0), ("q", 0), ("q", 0), ("q.c", 0)]
    assert mattering(world, log) == ["p: store x 1", "q: load x", "q: spawn q.c", "q.c: store y 1"]


async def chooses(y, z, choice):
    await z.load()
    if await choice.choose(1, 2) == 2:
        await y.store(1)


def test_a_choice_that_decides_matters():
    world = World()
    _, y, z = variables(world)
    world.program(chooses, y, z, world.choice("die"), name="p")
    world.always("y is 0", lambda value: value == 0, y)
    first, second = mattering(world, [("p", 0), ("p", 1), ("p", 0)])
    assert first.startswith("p: die")
    assert second == "p: store y 1"


async def updates(x, done):
    await x.store(await x.load() + 1)
    await done.store(True)


async def counts(x, dones):
    for done in dones:
        await done.wait_for(True)
    if await x.load() != 2:
        fail("an update is lost")


def test_a_value_that_nobody_changed_matters_if_an_order_that_passes_would_have_changed_it():
    world = World()
    x = world.variable("x", 0)
    dones = tuple(world.variable(f"done {name}", False) for name in "pq")
    for name, done in zip("pq", dones, strict=True):
        world.program(updates, x, done, name=name)
    world.program(counts, x, dones, name="r")
    log = in_turn("p", "q3", "p2", "r3")
    assert mattering(world, log)[:-1] == []
    assert mattering(world, log, compared=True) == ["p: load x", "p: store x 1", "r: load x"]


def test_a_value_is_from_the_last_step_that_wrote_it_though_it_was_the_same_before():
    world = World()
    x, y, z = variables(world)
    world.program(stores, x, 1, name="p")
    world.program(stores, x, 1, name="r")
    world.program(copies, x, y, z, name="q")
    world.always("y is 0", lambda value: value == 0, y)
    assert mattering(world, in_turn("p", "r", "q4")) == ["r: store x 1", "q: load x", "q: store y 1"]
