import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.header import refuses

ENABLED = 0x600E7
words = st.one_of(
    st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 7, ENABLED, COMPACTED, COMPACTED | ENABLED])
)


def members(mask):
    return {bit for bit in range(64) if mask >> bit & 1}


@given(xstate_bv=words, xcomp_bv=words, enabled=words)
def test_a_compacted_header_has_enabled_components_and_no_others_in_use(xstate_bv, xcomp_bv, enabled):
    there = members(xcomp_bv) - {63}
    legal = there <= members(enabled) and members(xstate_bv) <= there
    assert (refuses(xstate_bv, xcomp_bv, enabled, compact=True, supervisor=False) is None) == legal


@given(xstate_bv=words, xcomp_bv=words, enabled=words)
def test_a_standard_header_has_enabled_components_and_no_xcomp_bv(xstate_bv, xcomp_bv, enabled):
    legal = members(xstate_bv) <= members(enabled) and xcomp_bv == 0
    assert (refuses(xstate_bv, xcomp_bv, enabled, compact=False, supervisor=False) is None) == legal
    assert refuses(xstate_bv, xcomp_bv, enabled, compact=False, supervisor=True) is not None


@pytest.mark.parametrize(
    ("xstate_bv", "xcomp_bv", "how", "words"),
    [
        (0, ENABLED, (False, True), "XCOMP_BV[63] = 0"),
        (8, 0, (False, False), "XSTATE_BV has a component"),
        (0, 1, (False, False), "bytes 8 to 15"),
        (0, COMPACTED | 1 << 8, (True, True), "XCOMP_BV has a component"),
        (4, COMPACTED | 2, (True, False), "XCOMP_BV[62:0] lacks"),
        (COMPACTED, COMPACTED | 2, (True, False), "XCOMP_BV[62:0] lacks"),
    ],
)
def test_a_refusal_names_the_rule(xstate_bv, xcomp_bv, how, words):
    assert words in refuses(xstate_bv, xcomp_bv, ENABLED, compact=how[0], supervisor=how[1])
