"""Where the tokens of failed tests lie between two runs: a small file for each test in pytest's cache directory.

One file a test, so that processes of pytest-xdist, which never run the same test at once, do not write over each other. What
lies there may come from anywhere: it is decoded into types, bounded, and a file that is none is ignored with a warning.
"""

import hashlib
import warnings
from pathlib import Path
from typing import Annotated

import msgspec

MOST_TOKENS = 16
MOST_BYTES = 1 << 20

Token = Annotated[str, msgspec.Meta(max_length=MOST_BYTES)]


class VmraceWarning(UserWarning):
    """Something of vmrace's in pytest's cache was ignored."""


class Failed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A test, by pytest's name for it, and the tokens of what it found."""

    test: str
    tokens: Annotated[tuple[Token, ...], msgspec.Meta(max_length=MOST_TOKENS)]


class Store:
    """The tokens of one test; `directory` is there."""

    def __init__(self, directory: Path, test: str) -> None:
        self._test = test
        self._path = directory / f"{hashlib.blake2b(test.encode(), digest_size=12).hexdigest()}.json"

    def read(self) -> tuple[str, ...]:
        """Return the tokens that were kept; none where there is no file, or one that is not ours."""
        try:
            with self._path.open("rb") as file:
                return self._tokens(file.read(MOST_BYTES + 1))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            warn(f"ignored {self._path}, which does not hold failed tokens: {error}")
            return ()

    def _tokens(self, raw: bytes) -> tuple[str, ...]:
        """Decode a file; raises ValueError for what `write` does not write."""
        if len(raw) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        failed = msgspec.json.decode(raw, type=Failed)
        if failed.test != self._test:
            raise ValueError("it is of another test")
        return failed.tokens

    def write(self, tokens: tuple[str, ...]) -> None:
        """Keep these tokens and no others; without any, leave no file."""
        try:
            if tokens:
                self._path.write_bytes(msgspec.json.encode(Failed(self._test, tokens[:MOST_TOKENS])))
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            warn(f"cannot keep failed tokens in {self._path}: {error.strerror or error}")


def warn(text: str) -> None:
    """Warn of what was ignored, in one line."""
    warnings.warn(VmraceWarning(" ".join(text.split())), stacklevel=2)
