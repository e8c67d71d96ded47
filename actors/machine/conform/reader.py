"""Opens vector files and gives their lines, each with its number.

A file may come from anywhere, so memory is bounded whatever it unpacks to: a line has a limit, and nothing is ever read
whole. Everything that is wrong becomes a `VectorError` that names the file and, where there is one, the line.
"""

from collections.abc import Callable, Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path

from actors.machine.conform.lines import Line, decode
from actors.machine.conform.unpacking import unpacked
from actors.runtime.errors import VmraceError

MAX_LINE = 16 << 20
"""No line is longer."""

_PACKED = (".xz", ".gz")


class VectorError(VmraceError):
    """A vector file that cannot be read, or a line in it that is malformed."""


def set_name(path: str | PathLike[str]) -> str:
    """Return the name of the set in a file: its stem, whether it is packed or not."""
    name = Path(path).name
    for suffix in _PACKED:
        name = name.removesuffix(suffix) or name
    return Path(name).stem


def read_lines(
    path: str | PathLike[str],
    seen: dict[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Line]]:
    """Give the lines of a file with their numbers; raises VectorError.

    `seen` is where each id was read, over all files that are read with it: an id stands once. `progress` is told how many
    bytes of the file are behind each line, where the file has a place to tell.
    """
    name = fspath(path)
    seen = {} if seen is None else seen
    number = 0
    try:
        with Path(path).open("rb") as file:
            lines = _split(unpacked(file))
            while True:
                number += 1
                raw = next(lines, None)
                if raw is None:
                    break
                yield number, _checked(raw, seen, f"{name}:{number}")
                if progress is not None and file.seekable():
                    progress(file.tell())
    except OSError as error:
        raise VectorError(f"{name}: cannot read it: {error.strerror or error}") from None
    except ValueError as error:
        raise VectorError(f"{name}:{number}: {error}") from None
    if number == 1:
        raise VectorError(f"{name}: it is empty, and a vector file has one JSON object a line")


def _checked(raw: bytes, seen: dict[str, str], place: str) -> Line:
    if not raw.strip():
        raise ValueError("a blank line, and each line should be one JSON object")
    line = decode(raw)
    if line.id in seen:
        raise ValueError(f"the id {line.id} should be unique, and stands at {seen[line.id]} already")
    seen[line.id] = place
    return line


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut into lines; a newline behind the last one is no line of its own."""
    line = bytearray()
    for chunk in chunks:
        head, *others = chunk.split(b"\n")
        line += head
        for other in others:
            yield bytes(line)
            line = bytearray(other)
        if len(line) > MAX_LINE:
            raise ValueError(f"a line longer than {MAX_LINE} bytes")
    if line:
        yield bytes(line)
