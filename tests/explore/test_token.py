"""Tokens: a round trip for everything, and one clear line for everything that is not one."""

import base64
import re
import string
import zlib

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.explore.packing import pack
from actors.explore.token import CHECKPOINTS, choices_of, decode, encode, every_for, match_scenario
from actors.runtime.errors import VmraceError
from protocol.tokens import TokenBody

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True)
TEXT = st.text(max_size=8)


@st.composite
def bodies(draw):
    steps = draw(st.integers(0, 400))
    every = every_for(steps)
    return TokenBody(
        scenario=draw(NAMES),
        parameters=tuple(draw(st.lists(st.tuples(TEXT, TEXT), max_size=3))),
        choices=pack(draw(st.lists(st.integers(0, 5), max_size=2 * steps))),
        steps=steps,
        digest=draw(st.integers(0, 2**64 - 1)),
        every=every,
        rolling=draw(st.binary(min_size=steps // every, max_size=steps // every)),
        only=tuple(draw(st.lists(st.integers(0, 9), max_size=3))),
    )


BODY = TokenBody("lost_update", (("n", "3"),), pack([1, 0, 2]), 6, 0x1234, 1, b"abcdef")
TOKEN = encode(BODY)


def sealed(content: bytes, *, version: int = 1, name: str = "lost_update") -> str:
    """A token with this content and the right checksum."""
    checksum = zlib.crc32(f"v{version}.{name}.".encode() + content).to_bytes(4, "big")
    return f"v{version}.{name}." + base64.urlsafe_b64encode(content + checksum).decode().rstrip("=")


def refusal(text: str) -> str:
    with pytest.raises(VmraceError) as raised:
        decode(text)
    message = str(raised.value)
    assert "\n" not in message
    assert message.isprintable()
    return message


@given(bodies())
def test_round_trip(body):
    assert decode(encode(body)) == body


@given(bodies())
def test_no_character_of_a_token_means_anything_to_a_shell(body):
    assert set(encode(body)) <= set(string.ascii_letters + string.digits + "._-")


@given(st.one_of(st.text(), st.from_regex(r"v1\.[a-z]+\.[A-Za-z0-9_-]*", fullmatch=True)))
@example("")
@example("v1")
@example("v1..")
@example("v1.a.A")
@example("v\u0661.a.AAAA")
def test_any_text_is_a_token_or_refused(text):
    try:
        body = decode(text)
    except VmraceError as error:
        assert "\n" not in str(error)  # noqa: PT017  # either is fine, and each is looked at
    else:
        assert encode(body) == text


@given(st.binary(max_size=80))
def test_any_content_with_a_right_checksum_is_a_token_or_refused(content):
    try:
        body = decode(sealed(content))
    except VmraceError as error:
        assert str(error).startswith("damaged token")  # noqa: PT017  # as above
    else:
        assert encode(body) == sealed(content)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(string.ascii_letters + string.digits + "._- \n"))
def test_changing_any_character_is_noticed(place, character):
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed != TOKEN:
        with pytest.raises(VmraceError):
            decode(changed)


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_a_token_that_is_cut_off_is_refused(length):
    refusal(TOKEN[:length])


def test_not_a_token():
    assert "is not a token" in refusal("lost_update")
    assert "is not a token" in refusal("")
    assert len(refusal("x" * 5000)) < 200


def test_another_format_is_told_apart_from_damage():
    assert "format 2, and this vmrace reads format 1" in refusal(TOKEN.replace("v1.", "v2.", 1))


def test_damaged():
    assert "checksum" in refusal(TOKEN.replace("lost_update", "lost_updat", 1))
    assert "cut off" in refusal("v1.lost_update.A")
    assert refusal(TOKEN + "!").startswith("damaged token")


def test_another_scenario():
    match_scenario(BODY, "lost_update")
    with pytest.raises(VmraceError, match="of scenario lost_update, and not of xfd_err_leak"):
        match_scenario(BODY, "xfd_err_leak")


def body_with(**changes) -> str:
    body = msgspec.structs.replace(BODY, scenario="", **changes)
    return sealed(msgspec.msgpack.encode(body))


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": -1},
        {"steps": 10**9, "every": 10**9 // 16, "rolling": b"x" * 16},
        {"digest": -1},
        {"every": 0},
        {"every": 2},
        {"rolling": b"abcde"},
        {"only": (-1,)},
        {"choices": b"\x80"},
        {"choices": pack([1] * 13)},
        {"choices": b"\xff\xff\xff\x7f\x01"},
    ],
    ids=repr,
)
def test_numbers_that_no_execution_has_are_refused(changes):
    assert refusal(body_with(**changes)).startswith("damaged token")


@pytest.mark.parametrize(
    "content",
    [
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode({"scenario": ""}),
        msgspec.msgpack.encode(["", [], b"", "6", 0, 1, b"abcdef", []]),
        msgspec.msgpack.encode(["", [], b"", 6.0, 0, 1, b"abcdef", []]),
        msgspec.msgpack.encode(["other", [["n", "3"]], b"", 6, 0, 1, b"abcdef", []]),
        b"\xc1",
        b"",
    ],
)
def test_content_of_another_shape_is_refused(content):
    assert refusal(sealed(content)).startswith("damaged token")


def test_a_second_spelling_of_the_same_bytes_is_refused():
    payload = TOKEN.rpartition(".")[2]
    assert len(payload) % 4, "there have to be unused bits at the end"
    twin = next(
        TOKEN[:-1] + last
        for last in string.ascii_letters + string.digits + "-_"
        if last != TOKEN[-1] and _bytes(payload[:-1] + last) == _bytes(payload)
    )
    assert "spelt" in refusal(twin)


def _bytes(payload: str) -> bytes:
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


@given(st.integers(0, 10**6))
def test_a_token_has_few_checkpoints_however_long_the_execution(steps):
    every = every_for(steps)
    assert every >= 1
    assert steps // every <= CHECKPOINTS


def test_choices():
    assert choices_of(BODY) == (1, 0, 2)


def test_a_token_is_short():
    long = msgspec.structs.replace(
        BODY, steps=160, every=10, rolling=b"x" * 16, choices=pack([0] * 80 + [3] + [0] * 79)
    )
    assert len(encode(long)) < 90
    assert re.fullmatch(r"v1\.lost_update\.[\w-]+", encode(long))
