"""What a step was, and what it would have been on other values."""

import msgspec

from actors.explore.explaining.facts import Facts
from actors.explore.minimising.playing import play
from actors.runtime import Device, Footprint, Outcome, World
from protocol.handles import Cell
from tests.explore.minimising.conftest import opened

BOTH = Cell("both")


class Both(msgspec.Struct, frozen=True):
    left: int = 0
    right: int = 0


class Change(msgspec.Struct, frozen=True):
    left: bool


class Device2(Device, frozen=True):
    """Adds one to a half; the left one only while the right is even, of which it tells nobody; refuses to go beyond 2."""

    def footprint(self, sender, message, read):  # noqa: ARG002  # its interface
        return Footprint((BOTH,), (BOTH,), self.name)

    def handle(self, sender, message, values):  # noqa: ARG002  # its interface
        both = values[BOTH]
        if message.left and both.right % 2:
            return ()
        if both.right > 2:
            raise ValueError("too many")
        if message.left:
            return (Outcome(both.left, ((BOTH, msgspec.structs.replace(both, left=both.left + 1)),)),)
        return (Outcome(None, ((BOTH, msgspec.structs.replace(both, right=both.right + 1)),)),)


async def changes(device, *lefts):
    for left in lefts:
        await device.send(Change(left))


def counter():
    world = World()
    world.cell(BOTH, Both())
    world.program(changes, Device2("d"), False, False, True, True, name="p")
    world.always("left is small", lambda both: both.left < 2, BOTH)
    return world


def test_a_step_has_what_it_saw_and_wrote():
    with opened(counter()) as given:
        facts = Facts(given.tables, given.played)
        assert [fact.before[BOTH] for fact in facts.steps] == [Both(), Both(0, 1), Both(0, 2), Both(1, 2)]
        assert [fact.after(BOTH) for fact in facts.steps] == [Both(0, 1), Both(0, 2), Both(1, 2), Both(2, 2)]
        assert [fact.outcome.reply for fact in facts.steps] == [None, None, 0, 1]


def test_had_the_last_change_of_a_part_not_been():
    with opened(counter()) as given:
        facts = Facts(given.tables, given.played)
        others = facts.others(BOTH, Both(1, 2), 3)
        assert [(one.path, one.value) for one in others] == [
            (("left",), 0),
            (("right",), 1),
            (("right",), 0),
        ], "the latest first"
        assert dict(facts.what_if(3))[others[1]] is None, "not enabled"
        assert {one.path: outcome.reply for one, outcome in facts.what_if(3)[:1]} == {("left",): 0}


def test_a_part_comes_from_the_last_step_that_changed_it():
    with opened(counter()) as given:
        facts = Facts(given.tables, given.played)
        assert facts.definer(BOTH, ("right",), 4) == 1
        assert facts.definer(BOTH, ("left",), 4) == 3
        assert facts.definer(BOTH, ("left",), 2) is None
        assert facts.definer(BOTH, (), 2) == 1


class Set(msgspec.Struct, frozen=True):
    left: int


class Setting(Device, frozen=True):
    """Sets the left half, and leaves the right one."""

    def footprint(self, sender, message, read):  # noqa: ARG002  # its interface
        return Footprint((BOTH,), (BOTH,), self.name)

    def handle(self, sender, message, values):  # noqa: ARG002  # its interface
        return (Outcome(None, ((BOTH, msgspec.structs.replace(values[BOTH], left=message.left)),)),)


async def sets(device, left):
    await device.send(Set(left))


def test_a_part_comes_from_the_step_that_would_have_written_it_anyhow():
    world = World()
    world.cell(BOTH, Both())
    world.program(changes, Device2("d"), True, False, name="p")
    world.program(sets, Setting("s"), 1, name="q")
    with opened(world, [("p", 0), ("q", 0), ("p", 0)]) as given:
        facts = Facts(given.tables, given.played)
        assert facts.steps[1].before[BOTH] == facts.steps[1].writes[BOTH], "it changes nothing"
        assert facts.definer(BOTH, ("left",), 3) == 1
        assert facts.definer(BOTH, ("right",), 3) == 2


async def stores(x, *values):
    for value in values:
        await x.store(value)


async def loads(x):
    assert await x.load() == 1


def test_an_order_that_passes_shows_other_values_of_the_same_step():
    world = World()
    x = world.variable("x", 0)
    world.program(loads, x, name="q")
    world.program(stores, x, 1, name="p")
    with opened(world, [("q", 0)]) as given:
        passes = play(given.graph, [("p", 0), ("q", 0)])
        alone = Facts(given.tables, given.played)
        assert alone.what_if(0) == []
        compared = Facts(given.tables, given.played, [Facts(given.tables, passes)])
        [(instead, outcome)] = compared.what_if(0)
        assert (instead.path, instead.value, outcome.reply) == ((), 1, 1)
