"""Parts of values: where two values differ, and a value with one part exchanged.

A cell may hold a whole CPU. What a step does with it concerns a few of its fields, and a path leads to one:
names of fields of Structs, places in tuples of one length. What has no such parts, or other ones in another
value, is a part by itself.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from actors.runtime.values import same

Path = tuple[str | int, ...]


class _Missing:
    """In place of a part that is not there."""


MISSING: Final = _Missing()


def differing(one: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """Return the paths to the smallest parts that differ."""
    if same(one, other):
        return
    if type(one) is type(other):
        if isinstance(one, msgspec.Struct):
            for name in type(one).__struct_fields__:
                yield from differing(getattr(one, name), getattr(other, name), (*path, name))
            return
        if isinstance(one, tuple) and len(one) == len(other):
            for place, (left, right) in enumerate(zip(one, other, strict=True)):
                yield from differing(left, right, (*path, place))
            return
    yield path


def part(value: Any, path: Path) -> Any:
    """Return the part of a value that a path leads to, or MISSING."""
    for name in path:
        if isinstance(name, int):
            if not isinstance(value, tuple) or name >= len(value):
                return MISSING
            value = value[name]
        else:
            value = getattr(value, name, MISSING)
    return value


def exchanged(value: Any, path: Path, new: Any) -> Any:
    """Return a value with one part exchanged; raises what the value's type raises if it refuses that."""
    if not path:
        return new
    name, rest = path[0], path[1:]
    if isinstance(name, int):
        return (*value[:name], exchanged(value[name], rest, new), *value[name + 1 :])
    return msgspec.structs.replace(value, **{name: exchanged(getattr(value, name), rest, new)})


def overlap(one: Path, other: Path) -> bool:
    """Say whether one of two paths leads to a part of what the other leads to."""
    return all(left == right for left, right in zip(one, other, strict=False))
