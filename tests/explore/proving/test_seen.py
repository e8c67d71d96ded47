"""A set of fingerprints: what is new in a batch is what a loop over it would find new."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.explore.proving.seen import Seen

# Few words that want the same few slots, and some from all over.
words = st.one_of(st.integers(0, 40), st.integers(0, 5).map(lambda n: n << 40), st.integers(0, 2**64 - 1))


@given(st.lists(st.lists(words, max_size=30), max_size=8), st.sampled_from([4, 16, 1 << 10]))
def test_new_is_what_was_not_there_before_each_once_and_in_order(batches, size):
    seen, reference = Seen(size), set()
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
