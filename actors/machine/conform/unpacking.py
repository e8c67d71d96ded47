"""Plain, gzip or xz: the bytes of a file a piece at a time, whichever it is.

The first bytes say which, never the name. The standard library's own file objects would do for files that are whole; by hand,
an xz file with something behind its end is refused, the memory that unpacking takes is bounded, and pipes work as well.
"""

import lzma
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import chain
from typing import Protocol

CHUNK = 1 << 16
"""No piece is longer, whatever it was packed into."""

_XZ_MEMORY = 256 << 20
_GZIP_WINDOW = 31


class _Unpacker(Protocol):
    """One compressed stream."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def feed(self, data: bytes) -> Iterator[bytes]: ...


class _Gzip:
    """One member of a gzip file."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._inner.eof:
            yield self._inner.decompress(data, CHUNK)
            data = self._inner.unconsumed_tail


class _Xz:
    """One stream of an xz file."""

    def __init__(self) -> None:
        self._inner = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield self._inner.decompress(data, CHUNK)
        while not self._inner.eof and not self._inner.needs_input:
            yield self._inner.decompress(b"", CHUNK)


_FORMATS: dict[bytes, Callable[[], _Unpacker]] = {b"\x1f\x8b": _Gzip, b"\xfd7zXZ\x00": _Xz}


def unpacked(file: BufferedReader) -> Iterator[bytes]:
    """Give what a file holds; raises ValueError if it is damaged or cut off."""
    head = file.read(max(map(len, _FORMATS)))
    rest = iter(lambda: file.read1(CHUNK), b"")  # from a pipe what there is, without waiting for more
    pieces = chain((head,), rest) if head else rest
    for magic, new in _FORMATS.items():
        if head.startswith(magic):
            try:
                yield from _unpack(pieces, new)
            except (zlib.error, lzma.LZMAError) as error:
                raise ValueError(f"damaged compressed data ({error})") from None
            return
    yield from pieces


def _unpack(pieces: Iterator[bytes], new: Callable[[], _Unpacker]) -> Iterator[bytes]:
    """Unpack stream after stream; zeros behind one are padding."""
    unpacker = new()
    for piece in pieces:
        data = piece
        while data:
            if unpacker.eof:
                data = data.lstrip(b"\x00")
                if not data:
                    break
                unpacker = new()
            yield from unpacker.feed(data)
            data = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise ValueError("damaged compressed data (it is cut off)")
