"""How large an fpstate is, and what it is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA, cpu_model
from actors.machine.xstate.components import COMPACTED, SSE
from actors.machine.xstate.layout import compacted
from actors.system.kernel.layout import default_fpstate, enlarged, fpstate, size

SPR, MAIL = cpu_model("sapphire_rapids"), cpu_model("mail_2021")
AREA = 512 + 64
"""The legacy region and the header."""


@pytest.mark.parametrize(
    ("features", "bytes_"),
    [
        (SSE, AREA),
        (SSE | TILECFG, AREA + 64),
        (SSE | TILECFG | TILEDATA, AREA + 64 + 8192),
    ],
)
def test_the_sizes_are_those_of_the_compacted_format(features, bytes_):
    assert size(SPR, features) == bytes_


@given(st.integers(0, SPR.xcr0), st.integers(0, SPR.xcr0))
def test_more_features_never_need_less_room(one, other):
    one, other = one & SPR.xcr0, other & SPR.xcr0
    assert size(SPR, one) == compacted(SPR.description, COMPACTED | one).size
    assert max(size(SPR, one), size(SPR, other)) <= size(SPR, one | other)


def test_users_may_be_told_what_xcr0_has_and_no_supervisor_component():
    found = fpstate(SPR, "some", SSE | 1 << 11)
    assert (found.xfeatures, found.user_xfeatures) == (SSE | 1 << 11, SSE)
    assert found.size == size(SPR, SSE | 1 << 11)


def test_the_first_is_a_part_of_its_task_and_each_larger_one_is_named_by_what_it_has_more():
    own = default_fpstate(MAIL, "task", SSE | TILECFG)
    tiles = enlarged(MAIL, own, "task", TILEDATA)
    both = enlarged(MAIL, tiles, "task", HYPOTHETICAL)
    assert [one.name for one in (own, tiles, both)] == [
        "task->fpstate",
        "task->fpstate[0x40000]",
        "task->fpstate[0xc0000]",
    ]
    assert tiles.xfeatures == SSE | TILECFG | TILEDATA
    assert own.size < tiles.size < both.size
    assert enlarged(MAIL, own, "task", TILEDATA | HYPOTHETICAL) == both, "whatever way it came to be"
