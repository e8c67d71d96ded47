"""Looking up many rows at once: from the numbers in a few columns to the place of an entry.

The numbers of a row's columns are packed into one integer, each into bits of its own. While there are few
combinations in all, the integer is itself the index of an array; else the known ones are kept sorted and searched.
Which entries are missing is told to whoever knows how to make them, each combination once, in the order of the rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[Any]
Places = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]

_DENSE = 22
"""Bits of an index of an array; what is never looked at of it takes no memory."""
_MOST = 62
_ROOM = 4
UNKNOWN = 0
"""The place of an entry that has not been made yet."""


class Lookup:
    """Entries by the numbers in some columns.

    `make` gives the place of the entry for the row of that index, 1 or more, and may lay out more columns while it
    does; `numbers` says how many numbers a column has.
    """

    def __init__(self, make: Callable[[Rows, int], int], numbers: Callable[[int], int]) -> None:
        self._make = make
        self._numbers = numbers
        self.columns: tuple[int, ...] = ()
        self._bits: list[int] = []
        self._room: list[int] = []
        self._dense: Places | None = None
        self._keys: Keys = np.empty(0, np.int64)
        self._places: Places = np.empty(0, np.int32)
        self._wide: dict[bytes, int] | None = None

    def lay_out(self, columns: Sequence[int]) -> None:
        """Look at these columns from now on; what was known is forgotten."""
        self.columns = tuple(columns)
        self._room = [0] * len(self.columns)

    def _fit(self) -> None:
        """Give each column bits for its numbers and some more, and forget what is known if that changes."""
        needed = [self._numbers(column) for column in self.columns]
        if all(map(int.__le__, needed, self._room)) and (needed or self._dense is not None):
            return
        self._bits = [max(many, _ROOM).bit_length() for many in needed]
        self._room = [1 << bits for bits in self._bits]
        total = sum(self._bits)
        self._wide = {} if total > _MOST else None
        self._dense = np.zeros(1 << total, np.int32) if total <= _DENSE else None
        self._keys, self._places = np.empty(0, np.int64), np.empty(0, np.int32)

    def find(self, rows: Rows) -> Places:
        """Return the place of each row's entry; entries that are missing are made."""
        while True:
            self._fit()
            if self._wide is not None:
                return self._find_wide(rows, _picked(rows, self.columns))
            keys = _packed(rows, self.columns, self._bits)
            places = self._known(keys)
            if places.all():
                return places
            if self._learn(rows, keys, np.flatnonzero(places == UNKNOWN)):
                return self._known(keys)

    def _known(self, keys: Keys) -> Places:
        if self._dense is not None:
            return self._dense.take(keys)
        if not len(self._keys):
            return np.zeros(len(keys), np.int32)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys.take(at) == keys, self._places.take(at), np.int32(UNKNOWN))

    def _learn(self, rows: Rows, keys: Keys, missing: npt.NDArray[np.int64]) -> bool:
        """Make what is missing; return False if the columns, or the room that they need, have changed meanwhile."""
        columns = self.columns
        new, first = np.unique(keys[missing], return_index=True)
        order = np.argsort(first, kind="stable")
        made = [self._make(rows, at) for at in missing[first[order]].tolist()]
        if self.columns != columns:
            return False
        known, places = new[order], np.array(made, np.int32)
        if self._dense is not None:
            self._dense[known] = places
            return True
        self._keys = np.concatenate([self._keys, known])
        self._places = np.concatenate([self._places, places])
        sort = np.argsort(self._keys, kind="stable")
        self._keys, self._places = self._keys[sort], self._places[sort]
        return True

    def _find_wide(self, rows: Rows, picked: Keys) -> Places:
        """Columns that do not fit into one integer are compared as they are, by a dictionary: slow, and rare."""
        places = np.empty(len(rows), np.int32)
        for at, one in enumerate(map(bytes, np.ascontiguousarray(picked))):
            known = self._wide
            place = known.get(one) if known is not None else None
            if place is None:
                columns = self.columns
                place = self._make(rows, at)
                if self.columns != columns or known is None:
                    return self.find(rows)
                known[one] = place
            places[at] = place
        return places


def _packed(rows: Rows, columns: Sequence[int], bits: Sequence[int]) -> Keys:
    """Return these columns of the rows in one integer each, the first column in the lowest bits."""
    width = rows.shape[1]
    keys: Keys | None = None
    for column, size in zip(reversed(columns), reversed(bits), strict=True):
        there = column < width  # a column that has been added since the rows were made holds nothing
        if keys is None:
            keys = rows[:, column].astype(np.int64) if there else np.zeros(len(rows), np.int64)
            continue
        keys <<= size
        if there:
            keys |= rows[:, column]
    return keys if keys is not None else np.zeros(len(rows), np.int64)


def _picked(rows: Rows, columns: tuple[int, ...]) -> Keys:
    """Return these columns of the rows; one that has been added since the rows were made holds nothing."""
    width = rows.shape[1]
    found = rows[:, [column if column < width else 0 for column in columns]].astype(np.int64)
    for place, column in enumerate(columns):
        if column >= width:
            found[:, place] = 0
    return found
