"""The random walk: uniform, and the same under the same seed wherever it runs."""

from collections import Counter

import pytest

from actors.explore.sampled.position import Offer
from actors.explore.strategies.random_walk import RandomWalk


class Standing:
    """As much of a position as the random walk asks for."""

    def __init__(self, steps, width):
        self.steps = steps
        self.offers = [Offer("p", 1, 0, (), (), local=False, kind=0, answers=(0,))] * width


def walk(strategy, number, length=20, width=3):
    strategy.begin(number)
    return [strategy.program(Standing(step, width)) for step in range(length)]


def test_these_choices_are_the_same_on_every_version_and_under_every_hash_seed():
    assert walk(RandomWalk(1), 1) == [2, 2, 1, 2, 1, 2, 2, 0, 0, 0, 1, 0, 1, 1, 2, 0, 0, 0, 2, 2]


def test_an_execution_has_its_own_choices_whatever_ran_before_it():
    strategy = RandomWalk(5)
    for number in (1, 2, 3):
        walk(strategy, number)
    assert walk(strategy, 3) == walk(RandomWalk(5), 3)


def test_seeds_and_executions_differ():
    seeds = [*range(10), -1, 2**64, 2**65 + 1]
    assert len({tuple(walk(RandomWalk(seed), number)) for seed in seeds for number in range(1, 11)}) == 130


@pytest.mark.parametrize("width", [1, 2, 5])
def test_programs_and_outcomes_are_uniform_and_independent(width):
    strategy = RandomWalk(0)
    offer = Offer("p", width, 0, (), (), local=False, kind=0, answers=(0,) * width)
    drawn = Counter(
        (strategy.program(at), strategy.outcome(at, offer))
        for at in (Standing(step, width) for step in range(5000))
    )
    assert len(drawn) == width * width
    assert all(abs(count - 5000 / width**2) < 6 * (5000 / width**2) ** 0.5 for count in drawn.values())
