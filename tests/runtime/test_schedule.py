"""The choosers that need no strategy."""

# programs get more than these need

import pytest

from actors.runtime import World
from actors.runtime.errors import Divergence
from actors.runtime.schedule import Follow, FollowLog


async def chooses(x, choice):
    await x.store(await choice.choose(1, 2, 3))


async def stores(x, choice):
    await x.store(9)


def build():
    world = World()
    x, choice = world.variable("x", 0), world.choice()
    world.program(chooses, x, choice, name="a")
    world.program(stores, x, choice, name="b")
    return world


def result(execution):
    return execution.choices, [value for cell, value in execution.cells.items() if cell.name == "x"]


def test_choices_count_programs_and_outcomes_from_the_default_order(run):
    assert result(run(build())) == ([0, 0, 0, 0], [9])
    assert result(run(build(), Follow([0, 2]))) == ([0, 2, 0, 0], [9])
    assert result(run(build(), Follow([1, 0, 2]))) == ([1, 0, 2, 0], [3])
    assert result(run(build(), Follow([0, 1, 1]))) == ([0, 1, 1, 0], [2])


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ([2], "asks for number 3 of 2 enabled programs at step 1"),
        ([0, 3], "asks for number 4 of 3 outcomes at step 1"),
        ([0, 0, 5], "asks for number 6 of 2 enabled programs at step 2"),
    ],
)
def test_a_choice_that_is_not_offered_is_a_divergence(choices, says, run):
    with pytest.raises(Divergence, match=says):
        run(build(), Follow(choices))


def test_a_log_names_programs_and_outcomes(run):
    assert result(run(build(), FollowLog([("b", 0), ("a", 1)]))) == ([1, 0, 1, 0], [2])


def test_a_log_of_another_world_is_a_divergence(run):
    with pytest.raises(Divergence, match="step 1 of the log is c's"):
        run(build(), FollowLog([("c", 0)]))
