import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate.cet import FIELDS, PLACE, canonical, refuses

TOP = (1 << 64) - 1


@given(low=st.integers(0, 2**64 - 1), width=st.sampled_from([48, 57]))
def test_an_address_is_canonical_if_it_is_its_own_sign_extension(low, width):
    signed = low & ((1 << width) - 1)
    if signed >> (width - 1):
        signed -= 1 << width
    assert canonical(signed & TOP, width)
    assert canonical(low, width) == (signed & TOP == low)


@pytest.mark.parametrize(
    ("msr", "value", "width", "words"),
    [
        (0x6A0, 0, 57, None),
        (0x6A0, 0x3F, 57, None),
        (0x6A0, 0x400, 57, None),
        (0x6A0, 0x800, 57, None),
        (0x6A0, 0xC00, 57, "SUPPRESS and TRACKER"),
        (0x6A0, 0x40, 57, "reserved"),
        (0x6A0, 0x80, 57, "reserved"),
        (0x6A0, 0x100, 57, "reserved"),
        (0x6A0, 0x200, 57, "reserved"),
        (0x6A0, 1 << 56, 57, "canonical"),
        (0x6A0, 1 << 56, 48, "canonical"),
        (0x6A0, 1 << 55, 57, None),
        (0x6A0, 0xFF << 56, 57, None),
        (0x6A7, 0x1000, 57, None),
        (0x6A7, 4, 57, None),
        (0x6A7, 1, 57, "aligned"),
        (0x6A7, 2, 57, "aligned"),
        (0x6A4, 1 << 47, 48, "canonical"),
        (0x6A4, 1 << 47, 57, None),
    ],
)
def test_what_the_registers_refuse(msr, value, width, words):
    found = refuses(msr, value, width)
    assert found is None if words is None else words in found


def test_each_msr_has_its_place():
    assert PLACE == {0x6A0: (11, 0), 0x6A7: (11, 8), 0x6A4: (12, 0), 0x6A5: (12, 8), 0x6A6: (12, 16)}
    assert set(FIELDS) == {11, 12}
