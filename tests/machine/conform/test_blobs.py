import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.machine.conform import blobs
from actors.machine.conform.blobs import decode, encode

words = st.integers(0, 2**32 - 1)
rows = st.builds(
    lambda base, step, count: b"".join(
        ((base + place * step) % 2**32).to_bytes(4, "little") for place in range(count)
    ),
    words,
    words,
    st.integers(0, 20),
)
patterns = st.lists(rows | st.binary(max_size=9) | st.just(bytes(40)), max_size=6).map(b"".join)


@given(patterns)
@example(b"\xff\xff\xff\xff\x00\x00\x00\x00\x01\x00\x00\x00")
def test_what_is_spelt_is_read_again(data):
    assert decode(encode(data)) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("7f03", b"\x7f\x03"),
        ("ab*3", b"\xab\xab\xab"),
        ("0102*2.ff", b"\x01\x02\x01\x02\xff"),
        ("fffffffe+00000001*3", bytes.fromhex("feffffffffffffff00000000")),
        ("00000010+fffffff8*3", bytes.fromhex("100000000800000000000000")),
        ("00*0", b""),
    ],
)
def test_spellings(text, data):
    assert decode(text) == data


def test_patterns_are_spelt_shortly():
    assert encode(bytes(2752)) == "00000000*688"
    rising = b"".join((7 + 5 * place).to_bytes(4, "little") for place in range(9))
    assert encode(b"\x01" + rising[1:]) == "01000000.0000000c+00000005*8"
    assert encode(rising + b"\xaa") == "00000007+00000005*9.aa"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("abc", 0),
        ("ab.c", 3),
        ("ab.", 3),
        (".ab", 0),
        ("ab..ab", 3),
        ("AB", 0),
        ("0x10", 0),
        ("ab*", 0),
        ("ab*-1", 0),
        ("ab*1*2", 0),
        ("*3", 0),
        ("ab *3", 0),
        ("00.0000000+00000001*2", 3),
        ("00000000+00000001", 0),
        ("00000000+00000001*2\n", 0),
        ("ab*٣", 0),
        ("ab*9999999999", 0),
    ],
)
def test_what_is_no_token_is_refused_with_its_place(text, place):
    with pytest.raises(ValueError, match=f" at character {place} of a byte string is none of: "):
        decode(text)


@pytest.mark.parametrize("text", ["00*999999999", "00000000+00000000*999999999", "00*1048576.00"])
def test_no_token_takes_more_memory_than_there_is_to_record(text):
    with pytest.raises(ValueError, match=re.escape(f"longer than {blobs.MAX_BYTES} bytes")):
        decode(text)
    assert len(decode("00*1048576")) == blobs.MAX_BYTES
