"""Parts of values: where two differ, and one exchanged for another."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.explore.explaining.leaves import MISSING, differing, exchanged, overlap, part
from actors.runtime.values import same


class Pair(msgspec.Struct, frozen=True):
    left: object
    right: object


VALUES = st.recursive(
    st.sampled_from([0, 1, True, None, "a", b"b"]),
    lambda inner: st.one_of(st.builds(Pair, inner, inner), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)


def test_the_smallest_parts_that_differ_are_found():
    one, other = Pair(1, (2, Pair(3, 4))), Pair(1, (5, Pair(3, 6)))
    assert list(differing(one, other)) == [("right", 0), ("right", 1, "right")]
    assert list(differing(1, True)) == [()]
    assert list(differing(Pair(1, 2), None)) == [()]
    assert list(differing((1, 2), (1, 2, 3))) == [()]


def test_a_part_that_is_not_there_is_missing():
    assert part(Pair(1, (2, 3)), ("right", 1)) == 3
    assert part(Pair(1, (2, 3)), ("right", 2)) is MISSING
    assert part(Pair(1, None), ("right", "left")) is MISSING


def test_one_path_may_lead_to_a_part_of_what_another_leads_to():
    assert overlap((), ("a",))
    assert overlap(("a", 0), ("a",))
    assert not overlap(("a", 0), ("a", 1))


@given(VALUES, VALUES)
def test_exchanging_all_parts_that_differ_makes_one_value_the_other(one, other):
    made = one
    for path in differing(one, other):
        assert not same(part(made, path), part(other, path))
        made = exchanged(made, path, part(other, path))
    assert same(made, other)
