"""Small integers for values: each distinct value that a cell has held, numbered in order of appearance.

Numbers are given by the typed key of a value, so `True`, `1` and `IntFlag(1)` have three. Most values that
come along are the very object that came along before; those are told by identity, which costs one look-up.
"""

from typing import Any

from actors.runtime.values import typed

ABSENT = 0
"""The number of no value: the cell is not there yet."""


class Interner:
    """The values of one cell, by number; number 0 is no value."""

    __slots__ = ("_alive", "_identities", "_numbers", "values")

    def __init__(self) -> None:
        self.values: list[Any] = [None]
        self._numbers: dict[object, int] = {}
        self._identities: dict[int, int] = {}
        self._alive: list[Any] = []  # an identity means nothing once its object is gone

    def number(self, value: Any) -> int:
        """Return the value's number, a new one if it is new."""
        known = self._identities.get(id(value))
        if known is not None:
            return known
        key = typed(value)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.values)
            self.values.append(value)
        self._identities[id(value)] = number
        self._alive.append(value)
        return number
