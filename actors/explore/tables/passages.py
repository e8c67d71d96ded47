"""Gates, on rows: whether a message may be enabled at all, before anybody asks its device.

All messages that wait at one gate share a passage. It remembers in which states the gate was open, as the values of the
columns that the gate looked at.
"""

from typing import Any, Protocol

from actors.explore.tables.layout import Row
from actors.runtime.device import Gate


class Waiting(Protocol):
    """What waits at a gate."""

    def depends_on(self, columns: tuple[int, ...]) -> None:
        """Take note of the columns that the gate looks at."""


class Fork:
    """A column that has to be looked at to know what a message touches."""

    __slots__ = ("column", "ways")

    def __init__(self, column: int) -> None:
        self.column = column
        self.ways: dict[int, Any] = {}


class Passage:
    """A gate, and whether it is open, by the columns that decide that; `waiting` is what waits there."""

    __slots__ = ("columns", "gate", "waiting", "way")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.columns: tuple[int, ...] = ()
        self.waiting: list[Waiting] = []
        self.way: Fork | bool | None = None

    def is_open(self, row: Row) -> bool | None:
        """Say whether it is open in this state; None if that is not known."""
        way = self.way
        while isinstance(way, Fork):
            way = way.ways.get(row[way.column])
        return way

    def learn(self, columns: tuple[int, ...], row: Row, *, is_open: bool) -> bool:
        """Take note of what was said after looking at these columns; say whether it asked as it did before."""
        if not set(columns) <= set(self.columns):
            self.columns = tuple(dict.fromkeys((*self.columns, *columns)))
            for one in self.waiting:
                one.depends_on(self.columns)
        if not columns:
            self.way = is_open
            return True
        fork = self.way = self.way if self.way is not None else Fork(columns[0])
        for column, after in zip(columns, (*columns[1:], None), strict=True):
            if type(fork) is not Fork or fork.column != column:
                return False
            fork = fork.ways.setdefault(row[column], is_open if after is None else Fork(after))
        return True
