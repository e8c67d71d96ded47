"""Conditions: when they are looked at, and what they say."""

import pytest
import trio

from actors.runtime import Cell, World, conditions, set_label
from actors.runtime.conditions import at_most_one
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.errors import ModelError


async def counts_up(x, y):
    await x.store(1)
    await y.store(1)
    await x.store(2)


def is_below(limit):
    def below(value):
        return value < limit

    return below


def build(**conditions):
    world = World()
    world.program(counts_up, world.variable("x", 0), world.variable("y", 0))
    for name, limit in conditions.items():
        world.always(name, is_below(limit), Cell("x"))
    return world


@pytest.mark.parametrize(("limit", "steps"), [(0, 0), (1, 1), (2, 3)])
def test_always_is_checked_after_every_step_and_in_the_first_state(limit, steps, run):
    execution = run(build(low=limit))
    assert execution.ending == "violated"
    assert execution.violation.names == ("low",)
    assert execution.steps == steps


def test_several_are_named_in_the_order_of_the_world(run):
    execution = run(build(second=1, first=1, third=2))
    assert execution.violation.names == ("second", "first")


def test_only_some_are_checked(run):
    execution = run(build(low=1, high=2), only=frozenset({"high"}))
    assert execution.violation.names == ("high",)


def test_at_says_where(run):
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    world.program(counts_up, x, y)
    world.always("x is 0", lambda x, _: x == 0, x, y, at=lambda _, y: y == 1)
    assert run(world).steps == 2


def test_sometimes_is_met_once_reached(run):
    world = build()
    world.sometimes("one", lambda x: x == 1, Cell("x"))
    world.sometimes("five", lambda x: x == 5, Cell("x"))
    world.sometimes("zero", lambda x: x == 0, Cell("x"))
    assert run(world).met == {"one", "zero"}


def test_what_has_been_met_is_not_asked_again(run):
    seen = []
    world = build()
    world.sometimes("one", lambda x: seen.append(x) or x == 1, Cell("x"))
    run(world)
    assert seen == [0, 1]


def test_a_condition_is_decided_only_when_something_that_it_reads_has_changed(run):
    seen = []
    world = build()
    world.always("watch", lambda y: seen.append(y) or True, Cell("y"))
    run(world)
    assert seen == [0, 1]


async def labels(x):
    await x.load()
    set_label("in")
    await x.load()
    set_label("in", value=False)
    await x.load()


def test_labels_are_conditions_cells_without_a_step(run):
    seen = []
    world = World()
    p = world.program(labels, world.variable("x", 0))
    world.always("watch", lambda inside: seen.append(inside) or True, p.label("in"))
    assert run(world).steps == 3
    assert seen == [None, True, False]


async def sets_and_unsets(x):
    await x.load()
    set_label("in")
    await x.load()
    set_label("in", None)
    set_label("never", None)
    await x.load()


def test_a_label_that_is_unset_is_as_if_it_had_never_been_set(run):
    seen = []
    world = World()
    p = world.program(sets_and_unsets, world.variable("x", 0))
    world.always("watch", lambda inside: seen.append(inside) or True, p.label("in"))
    execution = run(world)
    assert seen == [None, True], "a value that has been judged is not judged again"
    assert execution.running[p.name].labels == {}


def test_never_two(run):
    world = World()
    both = [world.program(labels, world.variable(name, 0), name=name) for name in ("a", "b")]
    world.never_two("one at a time", *(one.label("in") for one in both))
    assert run(world).ending == "finished"
    assert at_most_one(None, True, False)
    assert not at_most_one(1, True)


def test_a_condition_that_raises_is_an_error_of_the_model(run):
    world = build()
    world.always("broken", lambda x: 1 // x, Cell("x"))
    with pytest.raises(
        ModelError, match=r"condition 'broken' raised ZeroDivisionError at .*test_conditions\.py:\d+"
    ):
        run(world)


def test_the_kind_is_the_worst_of_what_broke(run):
    world = build()
    world.always("rule", is_below(1), Cell("x"), kind="hygiene")
    assert run(world).violation.kind == "hygiene"
    world.always("harm", is_below(1), Cell("x"), words="in the kernel's words")
    assert run(world).violation.kind == "symptom"
    assert run(world).violation.text == "rule; in the kernel's words"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("x is {}, which is too much", "x is 1, which is too much"),
        ("x is {:#x}", "x is 0x1"),
        ("braces of its own: {{0}}", "braces of its own: {0}"),
        ("{0.xfd} of another kind", "{0.xfd} of another kind"),
    ],
)
def test_words_are_told_what_the_condition_has_read(run, words, text):
    world = build()
    world.always("harm", is_below(1), Cell("x"), words=words)
    assert run(world).violation.text == text


async def labels_what_it_draws(draw):
    set_label("drawn", (await draw.choose(*range(20)), "as", "a", "tuple", "made", "anew"))


def is_not_seven(drawn):
    return drawn is None or drawn[0] != 7


@pytest.mark.parametrize("limit", [conditions.LIMIT, 3])
def test_a_decision_is_about_its_value_and_not_about_one_that_came_before_it(limit, monkeypatch, uniform):
    """Values made anew stand where freed ones stood; a decision must not be taken for theirs, kept or forgotten."""
    monkeypatch.setattr(conditions, "LIMIT", limit)
    world = World()
    p = world.program(labels_what_it_draws, world.choice())
    world.always("never seven", is_not_seven, p.label("drawn"))

    async def main():
        async with open_driver(world) as driver:
            for seed in range(300):
                execution = await driver.run(uniform(seed))
                drawn = execution.read(p.label("drawn"))[0]
                assert (execution.violation is not None) == (drawn == 7)

    trio.run(main)
