"""Tokens: one execution of one scenario as a word for a command line.

    v1.lost_update.kKCQ...

The version of the format, the scenario's name, and in base64url a MessagePack `TokenBody` with a checksum
over all three. A token comes from a mail or a terminal, so it is not trusted: it is decoded strictly into
types, sizes are bounded before anything is unpacked, and each token has exactly one spelling.

What can be wrong is told apart: not a token, a token of another format, a damaged token, a token of another
scenario. That the execution parts from the token is found when it is replayed (`replay`).
"""

import base64
import binascii
import re
import zlib

import msgspec

from actors.explore.packing import unpack
from actors.runtime.errors import VmraceError
from protocol.tokens import FORMAT, TokenBody

MAX_STEPS = 1_000_000
"""No token describes a longer execution."""

CHECKPOINTS = 16
"""At most so many bytes of the rolling digest are kept, so that a token stays short."""

_MAX_TEXT = 4 * MAX_STEPS
_SHAPE = re.compile(r"v([0-9]{1,9})\.([^\W\d]\w*)\.([A-Za-z0-9_-]+)")
_BEGINNING = re.compile(r"v([0-9]{1,9})\.")
_CHECKSUM_BYTES = 4
_DIGEST_LIMIT = 1 << 64


def encode(body: TokenBody) -> str:
    """Write a token."""
    content = msgspec.msgpack.encode(msgspec.structs.replace(body, scenario=""))
    checksum = _checksum(FORMAT, body.scenario, content)
    payload = base64.urlsafe_b64encode(content + checksum).decode().rstrip("=")
    return f"v{FORMAT}.{body.scenario}.{payload}"


def decode(text: str) -> TokenBody:
    """Read a token; raises VmraceError in one line that says what is wrong with it."""
    match = _SHAPE.fullmatch(text)
    beginning = _BEGINNING.match(text)
    if beginning is None:
        raise VmraceError(
            f"{_shown(text)} is not a token (one begins with v{FORMAT}. and the scenario's name)"
        )
    if int(beginning[1]) != FORMAT:
        raise VmraceError(
            f"this token has format {int(beginning[1])}, and this vmrace reads format {FORMAT} alone"
        )
    if match is None or len(text) > _MAX_TEXT:
        raise _damaged("it is cut off, or has characters that no token has")
    body = _content(match[2], match[3])
    if encode(body) != text:
        raise _damaged("it is spelt in a way that no token is")
    return body


def choices_of(body: TokenBody) -> tuple[int, ...]:
    """Return the choices of a decoded token."""
    return unpack(body.choices, 2 * body.steps)


def every_for(steps: int) -> int:
    """Return how many steps lie between two bytes of the rolling digest of an execution so long."""
    return max(1, -(-steps // CHECKPOINTS))


def match_scenario(body: TokenBody, name: str) -> None:
    """Refuse a token that belongs to another scenario than the one given with it."""
    if body.scenario != name:
        raise VmraceError(
            f"this token is of scenario {body.scenario}, and not of {name}, which was given with it"
        )


def _content(scenario: str, payload: str) -> TokenBody:
    try:
        raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except (binascii.Error, ValueError):
        raise _damaged("it is cut off") from None
    content, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    if checksum != _checksum(FORMAT, scenario, content):
        raise _damaged("its checksum does not match; was it changed or cut off on its way?")
    try:
        body = msgspec.structs.replace(msgspec.msgpack.decode(content, type=TokenBody), scenario=scenario)
        _check(body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise _damaged(str(error)) from None
    return body


def _check(body: TokenBody) -> None:
    """Refuse numbers that cannot be those of an execution; raises ValueError."""
    if not 0 <= body.steps <= MAX_STEPS:
        raise ValueError(f"{body.steps} steps")
    if not 0 <= body.digest < _DIGEST_LIMIT:
        raise ValueError("a digest that is not of 64 bits")
    if body.every != every_for(body.steps) or len(body.rolling) != body.steps // body.every:
        raise ValueError("digests that do not belong to so many steps")
    if any(place < 0 for place in body.only):
        raise ValueError("a condition before the first")
    choices_of(body)


def _checksum(version: int, scenario: str, content: bytes) -> bytes:
    return zlib.crc32(f"v{version}.{scenario}.".encode() + content).to_bytes(_CHECKSUM_BYTES, "big")


def _damaged(why: str) -> VmraceError:
    return VmraceError(f"damaged token: {why}")


def _shown(text: str) -> str:
    """Quote what was given, in one short printable line."""
    return ascii(text if len(text) <= 40 else text[:37] + "...")  # noqa: PLR2004  # a line's worth
