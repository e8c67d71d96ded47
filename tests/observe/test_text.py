"""Lines that keep to a width, whatever is written into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.observe.text import clean, clip, printable, wrap


@given(st.text(max_size=200), st.integers(8, 80), st.integers(0, 6))
def test_no_line_is_wider_than_the_width(text, width, indent):
    lines = wrap(text, width, indent)
    assert all(len(line) <= width and line.isprintable() for line in lines)


@given(st.text(st.characters(codec="ascii", categories=["L"]), max_size=200), st.integers(8, 40))
def test_nothing_is_lost_when_a_word_is_too_long(text, width):
    assert "".join(wrap(text, width)) == text


@given(st.text(max_size=60), st.integers(1, 40))
def test_clipping(text, width):
    assert len(clip(text, width)) <= width


def test_clipping_is_shown():
    assert clip("philosopher0", 6) == "philo~"
    assert clip("irq0", 6) == "irq0"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/home/a/b/race.py:12 in f: x", "race.py:12 in f: x"),
        ("in f (/tmp/x/race.py:3); x = 1", "in f (race.py:3); x = 1"),
        ("a/b = c", "a/b = c"),
        ("one\ntwo", "one two"),
        ("bell\x07 and \x1b[31mred", "bell? and ?[31mred"),
    ],
)
def test_cleaning(text, cleaned):
    assert clean(text) == cleaned


def test_what_is_copied_keeps_its_path():
    assert printable("vmrace replay v1.x ./dir/race.py") == "vmrace replay v1.x ./dir/race.py"


def test_lines_after_the_first_are_indented():
    assert wrap("one two three", 9, 2) == ["one two", "  three"]
