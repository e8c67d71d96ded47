"""A set of fingerprints: what is new in a batch is what a loop over it would find new."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.explore.proving import seen as module
from actors.explore.proving.seen import Seen

# Words that want the first slot, the last one, or one of a few, and some from all over.
words = st.one_of(
    st.integers(0, 40),
    st.integers(0, 40).map(lambda n: 2**64 - 1 - n),
    st.integers(0, 15).map(lambda n: 2**64 - 1 - (n << 59)),
    st.integers(0, 2**64 - 1),
)


@pytest.mark.parametrize(("part", "few"), [(1 << 15, 1 << 10), (4, 1 << 10), (8, 0)])
@given(st.lists(st.lists(words, max_size=30), max_size=8), st.sampled_from([4, 16, 1 << 10]))
def test_new_is_what_was_not_there_before_each_once_and_in_order(part, few, batches, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PART", part)  # of a batch, and of a table that grows
        patch.setattr(module, "_FEW", few)
        check(Seen(size), batches)


def check(seen, batches):
    reference = set()
    for batch in batches:
        new = seen.add(np.array(batch, np.uint64))
        expected = []
        for at, word in enumerate(batch):
            if (word or 1) not in reference:  # 0 is an empty slot, and stands for 1
                reference.add(word or 1)
                expected.append(at)
        assert new.tolist() == expected
    assert seen.count == len(reference)


def test_it_grows_by_two_and_forgets_nothing():
    seen = Seen(4)
    first = np.arange(1, 5001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for start in range(0, 5000, 7):
        assert len(seen.add(first[start : start + 7])) == len(first[start : start + 7])
    assert seen.bytes == 8 * 16384
    assert len(seen.add(first)) == 0
    assert seen.count == 5000
