"""Looking up many rows at once: from the numbers in a few columns to the place of an entry.

The numbers of a row's columns are packed into one integer, each into bits of its own. While there are few
combinations in all, the integer is itself the index of an array; else the known ones are kept sorted and searched.
Which entries are missing is told to whoever knows how to make them, each combination once, in the order of the rows.

A few rows are looked up one by one, in a dictionary: that takes less time than the many short steps that an array takes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[Any]
Places = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]

DENSE_BITS = 18
"""Bits of an index of an array."""
_MOST = 62
_ROOM = 4
_FEW = 512
"""Rows that are looked up one by one."""
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
        self._forget()

    def lay_out(self, columns: Sequence[int]) -> None:
        """Look at these columns from now on; what was known is forgotten."""
        self.columns = tuple(columns)
        self._forget()

    def _forget(self) -> None:
        self._bits: list[int] = []
        self._room = [-1] * len(self.columns)
        self._fits = False
        self._wide = False
        self._known: dict[Any, int] = {}
        self._picking: tuple[int, Any, Any] = (-1, None, None)
        self._dense: Places | None = None
        self._sorted: tuple[Keys, Places] = (np.empty(0, np.int64), np.empty(0, np.int32))

    def _fit(self) -> None:
        """Give each column bits for its numbers and some more; if that changes, what is known is packed anew."""
        needed = list(map(self._numbers, self.columns))
        if self._fits and all(map(int.__le__, needed, self._room)):
            return
        known, bits, wide = self._known, self._bits, self._wide
        self._forget()
        self._fits = True
        self._bits = [bits_for(many) for many in needed]
        self._room = [1 << size for size in self._bits]
        total = sum(self._bits)
        self._wide = total > _MOST
        if known and not wide and not self._wide:
            keys = _joined(_unpacked(np.fromiter(known, np.int64, len(known)), bits), self._bits)
            self._keep(keys.tolist(), list(known.values()))

    def _keep(self, keys: Sequence[Any], places: Sequence[int]) -> None:
        """Take note of new entries."""
        self._known.update(zip(keys, places, strict=True))
        if self._dense is not None:
            self._dense[np.array(keys, np.int64)] = places

    def find(self, rows: Rows) -> Places:
        """Return the place of each row's entry; entries that are missing are made."""
        while True:
            self._fit()
            few = self._wide or len(rows) <= _FEW
            found = self._one_by_one(rows) if few else self._at_once(rows)
            if found is not None:
                return found

    def _one_by_one(self, rows: Rows) -> Places | None:
        """Look each up in the dictionary; None if the columns have changed meanwhile."""
        keys = self._bytes(rows) if self._wide else self._few(rows).tolist()
        places = list(map(self._known.get, keys))
        if None in places:
            missing = [at for at, place in enumerate(places) if place is None]
            if not self._learn(rows, {keys[at]: at for at in reversed(missing)}):
                return None
            places = list(map(self._known.get, keys))
        return np.array(places, np.int32)

    def _at_once(self, rows: Rows) -> Places | None:
        """Look all up in the arrays; None if the columns have changed meanwhile."""
        keys = _packed(rows, self.columns, self._bits)
        places = self._in_arrays(keys)
        if places.all():
            return places
        missing = np.flatnonzero(places == UNKNOWN)
        new, first = np.unique(keys[missing], return_index=True)
        if not self._learn(rows, dict(zip(new.tolist(), missing[first].tolist(), strict=True))):
            return None
        return self._in_arrays(keys)

    def _in_arrays(self, keys: Keys) -> Places:
        if sum(self._bits) <= DENSE_BITS:
            return self._as_array().take(keys)
        known, places = self._sorted
        if len(known) != len(self._known):
            known = np.fromiter(self._known, np.int64, len(self._known))
            places = np.fromiter(self._known.values(), np.int32, len(self._known))
            order = np.argsort(known, kind="stable")
            known, places = self._sorted = known[order], places[order]
        if not len(known):
            return np.zeros(len(keys), np.int32)
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known.take(at) == keys, places.take(at), np.int32(UNKNOWN))

    def _as_array(self) -> Places:
        """Return the places of all combinations; an array that nobody needs takes no memory."""
        if self._dense is None:
            self._dense = np.zeros(1 << sum(self._bits), np.int32)
            known = np.fromiter(self._known, np.int64, len(self._known))
            self._dense[known] = np.fromiter(self._known.values(), np.int32, len(self._known))
        return self._dense

    def _learn(self, rows: Rows, missing: dict[Any, int]) -> bool:
        """Make what is missing, told by key and first row, in the order of the rows; False if the columns change meanwhile."""
        columns = self.columns
        missing = dict(sorted(missing.items(), key=lambda one: one[1]))
        made = [self._make(rows, at) for at in missing.values()]
        if self.columns != columns:
            return False
        self._keep(list(missing), made)
        return True

    def _few(self, rows: Rows) -> Keys:
        """Pack these columns of a few rows; see `_packed`."""
        width = rows.shape[1]
        if self._picking[0] != width:
            shifts = np.cumsum([0, *self._bits[:-1]], dtype=np.int64)
            there = np.array(self.columns, np.intp) < width
            self._picking = (
                width,
                np.array(self.columns, np.intp)[there],
                np.int64(1) << shifts[: len(there)][there],
            )
        _, columns, weights = self._picking
        keys: Keys = rows.take(columns, axis=1).astype(np.int64) @ weights
        return keys

    def _bytes(self, rows: Rows) -> list[bytes]:
        """Return columns that do not fit into one integer as bytes; those added since the rows were made hold nothing."""
        width = rows.shape[1]
        found = rows.take([column if column < width else 0 for column in self.columns], axis=1).astype(
            np.int64
        )
        found[:, [column >= width for column in self.columns]] = 0
        return list(map(bytes, found))


def bits_for(many: int) -> int:
    """Return how many bits a column of so many numbers is given, with room for some more."""
    return max(many, _ROOM).bit_length()


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


def _unpacked(keys: Keys, bits: Sequence[int]) -> list[Keys]:
    """Take keys apart into the numbers of their columns."""
    found = []
    for size in bits:
        found.append(keys & ((1 << size) - 1))
        keys = keys >> size
    return found


def _joined(columns: Sequence[Keys], bits: Sequence[int]) -> Keys:
    """Put the numbers of columns together into keys; where there are no columns there is one key."""
    keys = np.zeros(len(columns[0]) if columns else 1, np.int64)
    for column, size in zip(reversed(columns), reversed(bits), strict=True):
        keys <<= size
        keys |= column
    return keys
