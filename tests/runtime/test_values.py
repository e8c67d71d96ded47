"""Values: what may be one, typed keys, bytes that are the same everywhere, and text for people."""

import enum
import functools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import Variable
from actors.runtime.errors import NotAValue
from actors.runtime.values import check_program, check_value, encode, same, same_types, show, typed


class Color(enum.IntEnum):
    RED = 1


class Bits(enum.IntFlag):
    ONE = 1
    TWO = 2


class Pair(msgspec.Struct, frozen=True):
    left: Any
    right: Any = None


class Other(msgspec.Struct, frozen=True):
    left: Any
    right: Any = None


class Sloppy(msgspec.Struct, frozen=True):
    value: Any

    def __eq__(self, other):
        return isinstance(other, Sloppy)

    def __hash__(self):
        return 1


class Unequal(msgspec.Struct, frozen=True, eq=False):
    value: Any


class Thawed(msgspec.Struct):
    left: Any


ONES = [True, 1, Color.RED, Bits.ONE]
scalars = st.one_of(
    st.integers(-2, 2),
    st.booleans(),
    st.none(),
    st.sampled_from(["", "1", "a"]),
    st.sampled_from([b"", b"1"]),
    st.sampled_from(ONES),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.builds(Pair, inner) | st.builds(Other, inner),
)


def helper():
    """Be a function at module level."""


class Whole(int):
    """An int that is not one."""


@pytest.mark.parametrize(
    "value",
    [
        1,
        True,
        "a",
        b"a",
        None,
        Color.RED,
        Bits.ONE | Bits.TWO,
        (1, (2,)),
        Pair(1, (2,)),
        Variable("x"),
        helper,
    ],
)
def test_values(value):
    check_value(value, "here")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (1.0, "here: float"),
        ({1}, "here: set"),
        ([1], "here: list"),
        ((1, [2]), r"here\[1\]: list"),
        (Pair((0, {})), r"here\.left\[1\]: dict"),
        (Thawed(1), "here: Thawed, a Struct that is not frozen,"),
        (Sloppy(1), "here: Sloppy, a Struct that is compared by an __eq__ or __hash__ of its own,"),
        (Unequal(1), "here: Unequal, a Struct that is compared by"),
        (lambda: 1, "here: .*<lambda>, a function that is not at module level,"),
        (functools.partial(helper), "here: partial"),
        (Whole(1), "here: Whole"),
        (object(), "here: object"),
    ],
)
def test_everything_else_is_refused_with_the_path_to_it(value, where):
    with pytest.raises(NotAValue, match=where):
        check_value(value, "here")


def test_where_a_value_is_is_asked_only_if_it_is_none():
    asked = []

    def where():
        asked.append(True)
        return "here: "

    check_value((1, Pair(2)), where)
    assert not asked
    with pytest.raises(NotAValue, match=r"here: \[0\]\.left"):
        check_value((Pair([]),), where)
    assert asked == [True]


def test_equal_numbers_of_different_types_stay_apart():
    for place, one in enumerate(ONES):
        for other in ONES[:place]:
            assert one == other
            assert not same(one, other)
            assert not same(Pair((one,)), Pair((other,)))
            assert not same_types(one, other)
            assert not same_types(Pair((one,)), Pair((other,)))
            assert same_types(Pair((one,)), Pair((one,)))
            assert typed((one,)) != typed((other,))
            assert encode(Pair(one)) != encode(Pair(other))


@given(values, values)
def test_same_typed_and_encode_tell_the_same_values_apart(one, other):
    equal = same(one, other)
    assert equal == (typed(one) == typed(other)) == (encode(one) == encode(other))
    assert same(one, one)
    if one == other:
        assert same_types(one, other) == equal
    if equal:
        assert one == other


def test_the_encoding_never_changes():
    """A digest in a token stands for these bytes; change them and every token is void."""
    value = Pair((1, True, "a", b"\x00", None), Color.RED)
    expected = "28506169722f325b35000000026931000000053f5472756500000002736100000002620000000005"
    assert encode(value).hex() == expected + "6e4e6f6e650000000865436f6c6f722e31"


def test_what_is_not_a_value_has_no_encoding():
    with pytest.raises(NotAValue, match="list"):
        encode((1, [2]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Color.RED, "RED"),
        (65535, "65535"),
        (65536, "0x10000"),
        (True, "True"),
        (b"", "empty"),
        (b"\x55" * 64, "55*64"),
        (b"\x01\x02", "0102"),
        (bytes(range(9)), "0001020304050607..."),
        ((1, "a"), "(1, a)"),
        (Variable("x"), "x"),
        (Pair(1), "Pair(1, None)"),
        (helper, "helper"),
    ],
)
def test_values_as_people_read_them(value, text):
    assert show(value) == text


# Programs.


async def program(x, y=1, *, z=2):
    """Be a program."""


async def with_default(x=[]):  # noqa: B006  # that is the point
    """Be a program with a mutable default."""


async def with_keyword_default(*, x=1.5):
    """Be a program with a float as a default."""


async def generator():
    """Look like a program, and be an asynchronous generator."""
    yield 1


def test_programs_are_functions_over_values():
    check_program(program, (1,), "p")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (with_default, "default of p's parameter x: list"),
        (with_keyword_default, "default of p's parameter x: float"),
        (helper, "program p: helper is not an `async def` function"),
        (generator, "program p: generator is not an `async def` function"),
        (functools.partial(program), "program p: partial is not an `async def` function"),
    ],
)
def test_other_functions_are_refused(function, says):
    with pytest.raises(NotAValue, match=says):
        check_program(function, (), "p")


def test_closures_hold_values():
    size, names = 3, ["a"]

    async def small():
        return size

    async def large():
        return names

    async def itself():
        return itself, later

    check_program(small, (), "p")
    with pytest.raises(NotAValue, match=r"closure cell names of p .*: list is not a value"):
        check_program(large, (), "p")
    with pytest.raises(NotAValue, match=r"closure cell .* of p"):
        check_program(itself, (), "p")
    later = 1


def test_what_a_program_makes_it_may_change():
    async def counting():
        count = 0

        def one_more():
            nonlocal count
            count += 1
            return count

        return one_more()

    check_program(counting, (), "p")
