"""Lines of text that keep to a width, whatever is written into them."""

import re
import textwrap

WIDTH = 75
"""As wide as a commit message may be."""

_PATH = re.compile(r"[^\s()'\"]*/([^\s/()'\"]+\.py)\b")


def printable(text: str) -> str:
    """Return one line that cannot move a cursor or ring a bell."""
    return "".join(char if char.isprintable() else "?" for char in text.replace("\n", " "))


def clean(text: str) -> str:
    """Return one printable line that does not say where files stand on somebody's machine."""
    return _PATH.sub(r"\1", printable(text)).strip()


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """Break one line into lines of at most `width`; those after the first are indented."""
    found = textwrap.wrap(
        clean(text),
        max(width, indent + 1),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    return [line.rstrip() for line in found]


def clip(text: str, width: int) -> str:
    """Return the text, cut to `width` with a sign that something is missing."""
    text = clean(text)
    return text if len(text) <= width else text[: max(0, width - 1)] + "~"[: max(0, width)]
