"""Picking values out of a mapping: always a tuple, whatever the number of targets."""

from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.picking import picking


@given(st.dictionaries(st.text(max_size=3), st.integers(), min_size=1), st.data())
def test_what_is_picked_is_what_a_loop_would_find(mapping, data):
    targets = tuple(data.draw(st.lists(st.sampled_from(sorted(mapping)), max_size=4)))
    picked = picking(targets)(mapping)
    assert type(picked) is tuple
    assert picked[: len(targets)] == tuple(mapping[target] for target in targets)
    assert set(picked) == {mapping[target] for target in targets}


def test_a_missing_one_is_a_key_error():
    for targets in (("a",), ("a", "b")):
        try:
            picking(targets)({"b": 1})
        except KeyError:
            continue
        raise AssertionError(targets)
