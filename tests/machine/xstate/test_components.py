import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate import components as c


@given(st.integers(0, 2**64 - 1))
def test_bits_are_those_of_the_mask_in_ascending_order(mask):
    found = c.bits(mask)
    assert sum(1 << bit for bit in found) == mask
    assert list(found) == sorted(set(found))


def test_masks_are_the_manuals_bit_numbers():
    assert (c.X87, c.SSE, c.AVX) == (1, 2, 4)
    assert (c.OPMASK, c.ZMM_HI256, c.HI16_ZMM, c.AVX512) == (0x20, 0x40, 0x80, 0xE0)
    assert (c.MPX, c.PKRU, c.TILECFG, c.TILEDATA, c.TILES) == (0x18, 1 << 9, 1 << 17, 1 << 18, 3 << 17)
    assert (c.HYPOTHETICAL, c.COMPACTED) == (1 << 19, 1 << 63)


@pytest.mark.parametrize("size", [0, 1, 64, 8192])
def test_zeros_of_a_size_are_one_object(size):
    assert c.ZEROS[size] == b"\0" * size
    assert c.ZEROS[size] is c.ZEROS[size]


def test_initial_contents_are_zeros_but_for_the_control_word_of_x87():
    assert c.initial(2, 256) == bytes(256)
    assert c.initial(0, 152) == b"\x7f\x03" + bytes(150)
    assert len(c.X87_INITIAL) == c.X87_BYTES == 152


def test_what_is_initial():
    assert c.is_initial(1, bytes(256))
    assert not c.is_initial(1, bytes(255) + b"\1")
    assert c.is_initial(0, c.X87_INITIAL)
    assert not c.is_initial(0, bytes(152)), "FCW = 0 is not what FNINIT leaves"


def test_compatibility_mode_reaches_registers_0_to_7_and_no_zmm16():
    assert dict(c.COMPATIBLE_BYTES) == {1: 8 * 16, 2: 8 * 16, 6: 8 * 32, 7: 0}
    assert c.HALVED == 0b100_0110
