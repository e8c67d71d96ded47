"""What a program may hold: values, and nothing that could change between two looks."""

from typing import Any

import msgspec
import pytest

from actors.runtime.errors import NotAValue
from tests.runtime.soundness.worlds import a_world, stores


def test_a_closure_counter_is_refused(line):
    count = 0

    async def counting(x, lock):
        nonlocal count
        count += 1  # counts
        await x.store(count)

    with pytest.raises(NotAValue) as caught:
        a_world(counting)
    assert "closure cell count of p" in str(caught.value)
    assert line("counts") in str(caught.value)


def test_a_shared_mutable_argument_is_refused():
    with pytest.raises(NotAValue, match=r"arguments of p: \[2\]: list is not a value"):
        a_world(stores, [1, 2])


class Holder(msgspec.Struct, frozen=True):
    inner: Any


def test_a_mutable_object_inside_a_value_is_refused_with_the_path_to_it():
    with pytest.raises(NotAValue, match=r"arguments of p: \[2\]\.inner\[1\]: dict is not a value"):
        a_world(stores, Holder((1, {})))
