"""Worlds: what is built is checked on the way in."""

import pytest

from actors.runtime import Cell, Label, World
from actors.runtime.conditions import Watch
from actors.runtime.devices.variable import Load
from actors.runtime.errors import ModelError, NotAValue


async def idle():
    """Do nothing."""


def test_names_are_free_or_refused():
    world = World()
    assert [world.program(idle).name for _ in range(3)] == ["idle", "idle1", "idle2"]
    with pytest.raises(ModelError, match="two programs called 'idle1'"):
        world.program(idle, name="idle1")
    world.variable("x", 0)
    with pytest.raises(ModelError, match="two cells called 'x'"):
        world.lock("x")


def test_contents_are_values():
    with pytest.raises(NotAValue, match="initial value of x: list"):
        World().variable("x", [])
    with pytest.raises(ModelError, match="capacity of 0"):
        World().mailbox("m", 0)


def test_arguments_have_to_fit(run):
    world = World()
    world.program(idle, 1)
    with pytest.raises(
        ModelError, match=r"program idle: .*takes 0 positional arguments .*test_world\.py:\d+"
    ):
        run(world)


def test_conditions_name_what_is_there():
    world = World()
    with pytest.raises(ModelError, match="names no cell or label"):
        world.always("c", bool)
    with pytest.raises(ModelError, match="reads 'x', a cell that this world lacks"):
        world.always("c", bool, Cell("x"))
    with pytest.raises(ModelError, match="reads cells and labels; int is neither"):
        world.always("c", bool, 1)
    world.always("c", bool, world.variable("x", 0), Label("p", "in"))
    assert world.conditions[0].reads == (Cell("x"), Label("p", "in"))


def test_required_programs_come_first_in_the_default_order():
    world = World()
    world.program(idle, name="source", background=True)
    world.program(idle, name="task")
    assert [spec.handle.name for spec in sorted(world.programs, key=lambda spec: spec.key)] == [
        "task",
        "source",
    ]


def broken(checks):
    return Watch(checks, lambda _: 0, twice=False).first()


def test_checks_follow_what_is_added_and_what_is_wanted():
    world = World()
    x = world.variable("x", 0)
    world.always("a", bool, x)
    assert len(broken(world.checks())) == 1
    world.always("b", bool, x)
    assert [one.name for one in broken(world.checks())] == ["a", "b"]
    assert [one.name for one in broken(world.checks(frozenset({"b"})))] == ["b"]


def test_a_source_is_a_background_program_with_a_class_and_a_budget():
    world = World()
    x = world.variable("x", 0)
    first = world.source(idle, event="tick", budget=2)
    world.source(idle, event="tick", budget=3, name="other")
    assert [spec.background for spec in world.programs] == [True, True]
    assert (world.budgets, world.bounds()) == ({"tick": 5}, "tick 5")
    assert world.event(first.name, Load(), {x.cell: 0}) == "tick"
    assert world.event("somebody", Load(), {}) == ""
    with pytest.raises(ModelError, match="a budget of -1 tick would never be used up"):
        world.source(idle, event="tick", budget=-1)
    with pytest.raises(ModelError, match="give event="):
        world.source(idle, event="", budget=1)


@pytest.mark.parametrize("words", ["{} and {}", "{1}", "{value}", "an open {", "{0} and {}"])
def test_words_that_ask_for_more_than_is_read_are_refused(words):
    world, cell = World(), Cell("x")
    world.cell(cell, 1)
    with pytest.raises(ModelError, match=r"words of condition 'one': .* for the values of its 1 reads"):
        world.always("one", bool, cell, words=words)


@pytest.mark.parametrize("words", ["", "all of it", "{}", "{0:#x} is {0}", "{0.xfd} of {0[1]!r}", "{{}}"])
def test_words_that_fit_are_taken(words):
    world, cell = World(), Cell("x")
    world.cell(cell, 1)
    world.always("one", bool, cell, words=words)
