"""A program told something else: what it would have sent, and where it comes back."""

from actors.explore.explaining.control import ALTERED, Control
from actors.explore.explaining.facts import Facts
from actors.runtime import World, fail, set_label
from tests.explore.minimising.conftest import opened


async def asks(x, y):
    seen = await x.load()
    if seen == 5:
        await y.load()
        await y.load()
    set_label("seen", seen)
    await y.store(seen)
    if seen == 7:
        return
    await x.load()
    if seen != 8:
        fail("as it must")


def asked(check):
    """Let `check` have the control of a program that asks, stores, asks and fails."""
    world = World()
    world.program(asks, world.variable("x", 0), world.variable("y", 0), name="p")
    with opened(world, [("p", 0)] * 3) as given:
        facts = Facts(given.tables, given.played)
        return check(Control(given.tables, facts, "p"))


def test_another_reply_sends_another_message():
    def check(control):
        assert control.steps == [0, 1, 2]
        assert control.sends_another(0, 4, 1)
        assert not control.sends_another(0, 0, 1)
        assert not control.sends_another(0, 4, 2), "what comes behind is the same again"
        assert control.labels_another(0, 4, 1, "seen")

    asked(check)


def test_a_detour_ends_where_it_was():
    def check(control):
        told = control.told(0, 5)
        assert told[1].pending.to.name == "y"
        assert control.sends_another(0, 5, 1), "it stores what it was told"
        assert not control.sends_another(0, 5, 2)

    asked(check)


def test_a_program_that_ends_early_is_nowhere_later():
    def check(control):
        assert control.told(0, 7)[2] is None
        assert control.told(0, 7)[3].failure is None
        assert control.sends_another(0, 7, 2)
        assert control.ends_otherwise(0, 7)

    asked(check)


def test_how_it_ends_may_depend_on_a_reply():
    def check(control):
        assert control.ends_otherwise(0, 8)
        assert not control.ends_otherwise(0, 4)
        assert not control.ends_otherwise(2, 4)

    asked(check)


async def writes_unless_it_is_so(copy, register):
    if await copy.load() != 1:
        await register.store(1)
    if await register.load() != 1:
        fail("the copy was wrong")


def test_a_way_round_that_changes_what_is_read_behind_it_is_no_way_back():
    world = World()
    world.program(writes_unless_it_is_so, world.variable("copy", 1), world.variable("register", 0), name="p")
    with opened(world, [("p", 0)] * 2) as given:
        facts = Facts(given.tables, given.played)
        control = Control(given.tables, facts, "p")
        told = control.told(0, 0)
        assert told[1].pending.to.name == "register", "it asks for the same"
        assert told[2].failure is None, "and is told something else"
        assert control.ends_otherwise(0, 0) == ALTERED
        assert not control.ends_otherwise(0, 1)
