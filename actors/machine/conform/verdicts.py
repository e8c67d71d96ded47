"""What running a line came to."""

from typing import Literal

import msgspec

Kind = Literal["passed", "failed", "stopped"]


class Verdict(msgspec.Struct, frozen=True):
    """A line's id and what it came to: the first field that differs with both values, or the tags that it stopped at.

    Of a line that stopped, `expected` are the tags and `got` is how the model answers there.

    `op` is the place of the op in a sequence, counted from 0.
    """

    id: str
    kind: Kind
    field: str = ""
    expected: str = ""
    got: str = ""
    op: int | None = None


def shown(value: object) -> str:
    """Return a value of a field as it is written in a vector file, or nearly so."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:x}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    return str(value)
