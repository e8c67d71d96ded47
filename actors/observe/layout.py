"""Where the columns of a chart stand.

A column is an indentation, not a box: a row's text begins there and may run to the right edge, so that many
contexts fit on a narrow page. Contexts of one CPU stand side by side under its name. Columns are as far apart
as their names are long, or, if that leaves too little room for text, closer; names that would then touch go
to another line of the header.
"""

from collections.abc import Iterable, Sequence

import msgspec

from actors.observe.text import WIDTH, clip
from protocol.records import Column, Record

_TEXT = 38  # what is left at least for the text of a row in the last column
_GAP = 2


class Layout(msgspec.Struct, frozen=True):
    """Width of the margin, the place of each column, and the header's lines."""

    margin: int
    places: dict[str, int]
    header: tuple[str, ...]


def layout(record: Record) -> Layout:
    """Lay out the columns of those contexts that did something."""
    columns = _grouped(_active(record))
    margin = max((len(step.margin) + 1 for step in record.steps if step.margin), default=0)
    places = _places([column.name for column in columns], margin)
    groups = [(places[c.name], c.group) for c in _firsts(columns) if c.group]
    names = [(places[column.name], column.name) for column in columns]
    return Layout(margin, places, (*_lines(groups), *_lines(names)))


def _active(record: Record) -> list[Column]:
    """Return the columns with steps and that of a program that failed; all if nobody did anything."""
    seen = {step.column for step in record.steps}
    if record.violation is not None and record.violation.failure is not None:
        seen.add(record.violation.failure.program)
    return [column for column in record.columns if column.name in seen] or list(record.columns)


def _grouped(columns: Sequence[Column]) -> list[Column]:
    order = list(dict.fromkeys(column.group for column in columns))
    return sorted(columns, key=lambda column: order.index(column.group))


def _firsts(columns: Sequence[Column]) -> Iterable[Column]:
    return {column.group: column for column in reversed(columns)}.values()


def _places(names: Sequence[str], margin: int) -> dict[str, int]:
    places, at = {}, 0
    for name in names:
        places[name] = at
        at += len(name) + _GAP
    room, last = WIDTH - _TEXT - margin, max(places.values(), default=0)
    if last > room:
        places = {name: index * room // (len(names) - 1) for index, name in enumerate(names)}
    return {name: margin + place for name, place in places.items()}


def _lines(titles: Iterable[tuple[int, str]]) -> list[str]:
    """Write titles at their places, on the first line that has room."""
    lines: list[str] = []
    for place, title in sorted(titles):
        text = clip(title, WIDTH - place)
        for index, line in enumerate(lines):
            if len(line) < place or not place:
                lines[index] = line.ljust(place) + text
                break
        else:
            lines.append(" " * place + text)
    return lines
