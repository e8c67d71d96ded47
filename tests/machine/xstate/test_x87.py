import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate.components import X87_INITIAL
from actors.machine.xstate.x87 import load, store

environments = st.binary(min_size=24, max_size=24)
registers = st.binary(min_size=128, max_size=128)


def environment(fcw=0x37F, fsw=0, ftw=0, fop=0, fip=0, fdp=0, byte5=0):
    return struct.pack("<HHBBHQQ", fcw, fsw, ftw, byte5, fop, fip, fdp)


def fields(content):
    return struct.unpack("<HHBBHQQ", content[:24])


def loaded(rexw=True, linear_bits=57, **kw):
    return fields(load(environment(**kw), bytes(128), rexw, linear_bits))


def test_the_initial_environment_is_loaded_as_it_is():
    assert load(X87_INITIAL[:24], bytes(128), True, 57) == X87_INITIAL


@pytest.mark.parametrize(("fcw", "kept"), [(0, 0x40), (0xFFFF, 0x1F7F), (0x37F, 0x37F), (0xE0C0, 0x40)])
def test_the_control_word_keeps_its_bits_and_bit_6(fcw, kept):
    assert loaded(fcw=fcw)[0] == kept


@pytest.mark.parametrize(
    ("fcw", "fsw", "kept"),
    [
        (0x37F, 0x3F, 0x3F),
        (0x37F, 0x80BF, 0x3F),
        (0x37E, 0x01, 0x8081),
        (0x35F, 0x20, 0x80A0),
        (0x340, 0x7F40, 0x7F40),
        (0x340, 0xFF40, 0x7F40),
        (0x340, 0xFFFF, 0xFFFF),
        (0x300, 0x40, 0x40),
    ],
)
def test_the_error_summary_is_computed_from_unmasked_exceptions(fcw, fsw, kept):
    assert loaded(fcw=fcw, fsw=fsw)[1] == kept


def test_the_tag_byte_is_kept_and_the_byte_behind_it_dropped():
    assert loaded(ftw=0xA5, byte5=0xFF)[2:4] == (0xA5, 0)


def test_the_opcode_has_eleven_bits():
    assert loaded(fop=0xFFFF)[4] == 0x7FF


@pytest.mark.parametrize(
    ("fip", "linear_bits", "kept"),
    [
        (1 << 56, 57, 0xFF << 56),
        ((1 << 56) - 1, 57, (1 << 56) - 1),
        (0xAB << 56 | 5, 57, 0xFF << 56 | 5),
        (0xAA << 56 | 5, 57, 5),
        (1 << 47, 48, 0x1FFFF << 47),
        (1 << 48, 48, 0),
        (1 << 47, 57, 1 << 47),
    ],
)
def test_fip_is_sign_extended_from_the_highest_linear_address_bit_and_fdp_is_not(fip, linear_bits, kept):
    assert loaded(fip=fip, fdp=fip, linear_bits=linear_bits)[5:] == (kept, fip)


def test_without_rex_w_the_pointers_have_32_bits():
    assert loaded(rexw=False, fip=2**64 - 1, fdp=2**64 - 1)[5:] == (2**32 - 1, 2**32 - 1)


@given(data=registers, rexw=st.booleans())
def test_six_bytes_of_each_register_are_not_loaded(data, rexw):
    content = load(environment(), data, rexw, 57)[24:]
    for slot in range(8):
        at = 16 * slot
        assert content[at : at + 10] == data[at : at + 10]
        assert content[at + 10 : at + 16] == bytes(6)


@given(one=environments, data=registers, linear_bits=st.sampled_from([48, 57]))
def test_what_was_loaded_is_stored_and_loaded_again_as_it_is(one, data, linear_bits):
    content = load(one, data, True, linear_bits)
    assert store(content, True) == (content[:24], content[24:])
    assert load(*store(content, True), True, linear_bits) == content


@given(one=environments, data=registers)
def test_without_rex_w_a_store_has_the_low_halves_and_zeros(one, data):
    content = load(one, data, True, 57)
    found, behind = store(content, False)
    assert found == content[:12] + bytes(4) + content[16:20] + bytes(4)
    assert behind == content[24:]
