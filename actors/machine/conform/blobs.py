"""Byte strings in run-length spelling: `7f03.00000000*5.80001000+00000004*16`.

Tokens are joined by dots, and an empty string is no bytes at all. A token is literal bytes in memory order; bytes and how
often they stand there; or a rising row of 32-bit words: the first one, the step, and how many. Registers and memory in
recordings are mostly such patterns, so a 2752-byte image takes a few dozen characters.

The spelling comes from outside: it is checked token by token, and no token can ask for more memory than `MAX_BYTES`.
"""

import re
import struct
from collections.abc import Iterator

MAX_BYTES = 1 << 20
"""No recorded register or memory is longer."""

_WORD_BYTES = 4
_WORD_LIMIT = 1 << 32
_TOKEN = re.compile(r"((?:[0-9a-f]{2})+)(?:\*([0-9]{1,9}))?|([0-9a-f]{8})\+([0-9a-f]{8})\*([0-9]{1,9})")
_SHOWN = 24


class Blob(bytes):
    """Bytes that were spelt in this way."""

    __slots__ = ()


def decode(text: str) -> Blob:
    """Read a byte string; raises ValueError with the place of a token that is none."""
    out = bytearray()
    place = 0
    for token in text.split(".") if text else ():
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ValueError(_no_token(token, place))
        literal, times, base, step, count = match.groups()
        length = len(literal) // 2 * int(times or 1) if base is None else _WORD_BYTES * int(count)
        if len(out) + length > MAX_BYTES:
            raise ValueError(f"the byte string is longer than {MAX_BYTES} bytes at character {place}")
        out += bytes.fromhex(literal) * int(times or 1) if base is None else _row(base, step, int(count))
        place += len(token) + 1
    return Blob(out)


def encode(data: bytes) -> str:
    """Spell bytes in this way, shorter than plainly where words repeat or rise."""
    whole = len(data) // _WORD_BYTES * _WORD_BYTES
    words = [word for (word,) in struct.iter_unpack("<I", data[:whole])]
    tokens = list(_tokens(words))
    if whole < len(data):
        tokens.append(data[whole:].hex())
    return ".".join(tokens)


def _row(base: str, step: str, count: int) -> bytes:
    first, by = int(base, 16), int(step, 16)
    return struct.pack(f"<{count}I", *((first + place * by) % _WORD_LIMIT for place in range(count)))


def _tokens(words: list[int]) -> Iterator[str]:
    """Take the longest row from each place on; words that are in none stay literal."""
    literal, place = "", 0
    while place < len(words):
        step = (words[place + 1] - words[place]) % _WORD_LIMIT if place + 1 < len(words) else 0
        end = place + 1
        while end < len(words) and (words[end] - words[end - 1]) % _WORD_LIMIT == step:
            end += 1
        count = end - place
        if count <= 2:  # noqa: PLR2004  # two words are always a row, and shorter as they are
            literal += words[place].to_bytes(_WORD_BYTES, "little").hex()
            place += 1
            continue
        if literal:
            yield literal
            literal = ""
        one = words[place].to_bytes(_WORD_BYTES, "little").hex()
        yield f"{one}*{count}" if step == 0 else f"{words[place]:08x}+{step:08x}*{count}"
        place = end
    if literal:
        yield literal


def _no_token(token: str, place: int) -> str:
    shown = token if len(token) <= _SHOWN else token[:_SHOWN] + "..."
    return (
        f"{shown!a} at character {place} of a byte string is none of: pairs of lower-case hex digits, "
        "HEX*COUNT, BASE+STEP*COUNT with eight digits each"
    )
