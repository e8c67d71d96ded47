"""Strategies: uniform, and the same under the same seed wherever they run."""

from collections import Counter

import pytest

from actors.explore.strategies import STRATEGIES
from actors.explore.strategies.random_walk import RandomWalk

NOBODY = None  # the random walk asks for nothing but how many there are


def walk(seed, number, length=20, width=3):
    strategy = RandomWalk(seed)
    strategy.begin(number)
    return [strategy.program(NOBODY, [NOBODY] * width) for _ in range(length)]


def test_these_choices_are_the_same_on_every_version_and_under_every_hash_seed():
    assert walk(1, 1) == [2, 2, 0, 1, 2, 0, 0, 1, 2, 1, 1, 0, 2, 1, 2, 0, 1, 0, 0, 1]


def test_an_execution_has_its_own_choices_whatever_ran_before_it():
    strategy = RandomWalk(5)
    for number in (1, 2, 3):
        strategy.begin(number)
        strategy.outcome(NOBODY, NOBODY, 7)
    strategy.begin(3)
    assert [strategy.program(NOBODY, [NOBODY] * 3) for _ in range(20)] == walk(5, 3)


def test_seeds_and_executions_differ():
    assert len({tuple(walk(seed, number)) for seed in range(10) for number in range(1, 11)}) == 100


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_random_walk_is_uniform(width):
    strategy = RandomWalk(0)
    drawn = Counter(strategy.program(NOBODY, [NOBODY] * width) for _ in range(2000))
    drawn += Counter(strategy.outcome(NOBODY, NOBODY, width) for _ in range(2000))
    assert set(drawn) == set(range(width))
    assert all(abs(count - 4000 / width) < 250 for count in drawn.values())


def test_the_table_makes_strategies_from_seeds():
    for make in STRATEGIES.values():
        strategy = make(1)
        strategy.begin(1)
        assert strategy.program(NOBODY, [NOBODY]) == 0
