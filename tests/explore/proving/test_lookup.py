"""Looking up rows: each entry is made once, in the order of the rows, and found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.explore.proving import lookup as module
from actors.explore.proving.lookup import Lookup

rows = st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=1, max_size=40)


def make_lookup(columns, numbers=10):
    made = []

    def make(found, at):
        made.append(tuple(found[at].tolist()))
        return len(made)

    lookup = Lookup(make, lambda _: numbers)
    lookup.lay_out(columns)
    return lookup, made


@pytest.mark.parametrize("few", [0, 512])
@pytest.mark.parametrize(("dense", "most"), [(22, 62), (1, 62), (1, 1)])
@given(
    batches=st.lists(rows, min_size=1, max_size=4), columns=st.permutations(range(4)), many=st.integers(0, 4)
)
@settings(deadline=None)
def test_rows_that_agree_in_the_columns_share_an_entry(dense, most, few, batches, columns, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DENSE_BITS", dense)
        patch.setattr(module, "_MOST", most)
        patch.setattr(module, "_FEW", few)
        lookup, made = make_lookup(columns[:many])
        reference = {}
        for batch in batches:
            places = lookup.find(np.array(batch, np.uint16))
            for row, place in zip(batch, places.tolist(), strict=True):
                key = tuple(row[column] for column in columns[:many])
                assert reference.setdefault(key, place) == place
                assert tuple(made[place - 1][column] for column in columns[:many]) == key
    assert len(made) == len(reference)
    assert sorted(reference.values()) == list(range(1, len(made) + 1))


@given(rows)
@settings(deadline=None)
def test_what_is_made_may_ask_for_more_columns(batch):
    lookup, made = make_lookup((0,))
    make = lookup._make

    def curious(found, at):
        if found[at][0] > 4 and 2 not in lookup.columns:
            lookup.lay_out((0, 2))
        return make(found, at)

    lookup._make = curious
    places = lookup.find(np.array(batch, np.uint16)).tolist()
    for row, place in zip(batch, places, strict=True):
        columns = lookup.columns
        assert tuple(made[place - 1][column] for column in columns) == tuple(
            row[column] for column in columns
        )


def test_a_column_that_came_later_holds_nothing_in_older_rows():
    lookup, _ = make_lookup((0, 5))
    assert lookup.find(np.array([[1, 2], [1, 3]], np.uint16)).tolist() == [1, 1]
    assert lookup.find(np.array([[1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 7]], np.uint16)).tolist() == [1, 2]


def test_entries_are_made_in_the_order_of_the_rows():
    lookup, made = make_lookup((0,))
    lookup.find(np.array([[7], [3], [7], [9], [1]], np.uint16))
    assert made == [(7,), (3,), (9,), (1,)]


@given(st.lists(rows, min_size=1, max_size=4))
@settings(deadline=None)
def test_what_is_known_stays_known_when_columns_need_more_room(batches):
    numbers = [1]
    lookup, made = make_lookup((0, 2))
    lookup._numbers = lambda _: numbers[0]
    reference = {}
    for batch in batches:
        numbers[0] = max(numbers[0], 1 + max(max(row) for row in batch))
        for row, place in zip(batch, lookup.find(np.array(batch, np.uint16)).tolist(), strict=True):
            assert reference.setdefault((row[0], row[2]), place) == place
    assert len(made) == len(reference)
