"""Choices as bytes: short where the default order is followed, and one spelling for each list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.explore.packing import pack, unpack


@given(st.lists(st.integers(0, 300), max_size=60))
def test_unpacking_gives_the_choices_without_the_zeros_at_their_end(choices):
    expected = list(choices)
    while expected and expected[-1] == 0:
        expected.pop()
    assert list(unpack(pack(choices), len(choices))) == expected


@given(st.binary(max_size=24))
def test_any_bytes_either_have_one_meaning_or_are_refused(packed):
    try:
        choices = unpack(packed, 1000)
    except ValueError:
        return
    assert pack(choices) == packed


def test_the_default_order_costs_nothing():
    assert pack([0] * 1000) == b""
    assert pack([0] * 100 + [2] + [0] * 100) == b"\x64\x02"


def test_large_numbers():
    assert unpack(pack([0] * 5000 + [200]), 6000) == (0,) * 5000 + (200,)


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (b"\x00", "without the value"),
        (b"\x01\x00", "without the value"),
        (b"\x80", "cut off"),
        (b"\x00\x81", "cut off"),
        (b"\x80\x00\x01", "zeros in front"),
        (b"\xff\xff\xff\xff\x01\x01", "too long"),
    ],
)
def test_what_is_refused(packed, why):
    with pytest.raises(ValueError, match=why):
        unpack(packed, 1000)


def test_a_few_bytes_do_not_make_a_huge_list():
    bomb = pack([1]) + b"\xff\xff\xff\x7f\x01"  # 268 million zeros
    with pytest.raises(ValueError, match="more than 100 choices"):
        unpack(bomb, 100)
