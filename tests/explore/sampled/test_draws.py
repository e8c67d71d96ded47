"""Draws: the numbers of SplitMix64, the same alone and by the thousand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.explore.sampled.columns import _mixed, _product, _ranks, _streams
from actors.explore.sampled.draws import MASK, STEP, Draws, below, draw, mixed, seed_of, stream

words = st.integers(0, MASK)


def test_these_are_the_first_numbers_of_splitmix64():
    """As Java's SplittableRandom and the reference in C give them for seed 1234567."""
    assert [draw(1234567, which) for which in range(1, 4)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@given(words)
def test_numpy_mixes_as_python_does(word):
    assert int(_mixed(np.array([word], np.uint64))[0]) == mixed(word)


@given(st.integers(-(2**70), 2**70), st.integers(1, 2**40), st.integers(1, 50))
def test_streams_begin_at_the_same_numbers(seed, first, count):
    assert _streams(seed, first, count).tolist() == [
        stream(seed, number) for number in range(first, first + count)
    ]


@given(words, words)
def test_products_of_128_bits(one, other):
    high, low = _product(np.array([one], np.uint64), other)
    assert (int(high[0]) << 64) + int(low[0]) == one * other


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 2**62 - 1))
def test_ranks_are_those_of_one_execution_alone(seed, number, total):
    (rank,) = _ranks(_streams(seed, number, 1), total).tolist()
    assert rank == Draws(seed, number).wide_below(total) < total


def test_seeds_of_any_size_differ():
    seeds = [0, 1, -1, 2, -2, STEP, -STEP, 2**64, -(2**64), 2**64 + 1, 2**128, MASK]
    assert len(set(map(seed_of, seeds))) == len(seeds)


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_below(count):
    draws = Draws(1, 1)
    assert {draws.below(count) for _ in range(60 * count)} == set(range(count))
    assert below(MASK, count) == count - 1
    assert below(0, count) == 0
