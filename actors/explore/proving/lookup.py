"""Looking up many rows at once: from the numbers in a few columns to the place of an entry.

The numbers of a row's columns are packed into one integer, so many bits a column as its numbers need. While
there are few bits in all, the integer is itself the index of an array; else the known ones are kept sorted
and searched. Which entries are missing is told to whoever knows how to make them, each combination once.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint32]
Places = npt.NDArray[np.int32]

_DENSE_BITS = 20
_MOST_BITS = 62


def _column(rows: Rows, column: int) -> Rows:
    """Return a column; one that has been added since the rows were made holds nothing."""
    return rows[:, column] if column < rows.shape[1] else np.zeros(len(rows), rows.dtype)


class Lookup:
    """Entries by the numbers in some columns; `make` gives the place of the entry for the row of that index."""

    def __init__(self, make: Callable[[Rows, int], int]) -> None:
        self._make = make
        self._columns: tuple[int, ...] = ()
        self._bits: list[int] = []
        self._dense: Places | None = None
        self._keys: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._places: Places = np.empty(0, np.int32)
        self._fresh: list[tuple[int, int]] = []
        self._wide: dict[bytes, int] = {}

    def lay_out(self, columns: Sequence[int]) -> None:
        """Look at these columns from now on; what was known is forgotten."""
        self._columns = tuple(columns)
        self._bits = [1] * len(self._columns)
        self._clear()

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that decide."""
        return self._columns

    def _clear(self) -> None:
        total = sum(self._bits)
        self._dense = np.full(1 << total, -1, np.int32) if total <= _DENSE_BITS else None
        self._keys, self._places = np.empty(0, np.int64), np.empty(0, np.int32)
        self._fresh.clear()
        self._wide.clear()

    def _fit(self, rows: Rows) -> None:
        """Give each column the bits that its numbers need, with room for as many again."""
        grown = False
        for at, column in enumerate(self._columns):
            needed = int(_column(rows, column).max()).bit_length()
            if needed > self._bits[at]:
                self._bits[at] = needed + 1
                grown = True
        if grown:
            self._clear()

    def find(self, rows: Rows) -> Places:
        """Return the place of each row's entry; entries that are missing are made."""
        if not len(rows):
            return np.empty(0, np.int32)
        self._fit(rows)
        if sum(self._bits) > _MOST_BITS:
            return self._find_wide(rows)
        keys = self._pack(rows)
        places = self._known(keys)
        missing = np.flatnonzero(places < 0)
        if len(missing):
            columns = self._columns
            new, first = np.unique(keys[missing], return_index=True)
            # In the order of the rows, so that numbers are given out as a search one by one would give them.
            for at in np.argsort(first, kind="stable"):
                place = self._make(rows, int(missing[first[at]]))
                if self._columns != columns:  # what was learnt depends on more columns: begin again
                    return self.find(rows)
                self._learn(int(new[at]), place)
            self._settle()
            places = self._known(keys)
        return places

    def _pack(self, rows: Rows) -> npt.NDArray[np.int64]:
        keys = np.zeros(len(rows), np.int64)
        shift = 0
        for column, bits in zip(self._columns, self._bits, strict=True):
            part = _column(rows, column).astype(np.int64)
            keys |= part << shift if shift else part
            shift += bits
        return keys

    def _known(self, keys: npt.NDArray[np.int64]) -> Places:
        if self._dense is not None:
            return self._dense[keys]
        if not len(self._keys):
            return np.full(len(keys), -1, np.int32)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._places[at], -1).astype(np.int32)

    def _learn(self, key: int, place: int) -> None:
        if self._dense is not None:
            self._dense[key] = place
        else:
            self._fresh.append((key, place))

    def _settle(self) -> None:
        """Merge what was learnt into the sorted keys."""
        if self._dense is not None or not self._fresh:
            return
        keys = np.concatenate([self._keys, np.array([key for key, _ in self._fresh], np.int64)])
        places = np.concatenate([self._places, np.array([place for _, place in self._fresh], np.int32)])
        order = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[order], places[order]
        self._fresh.clear()

    def _find_wide(self, rows: Rows) -> Places:
        """Columns that do not fit into one integer are compared as they are, by a dictionary: slow, and rare."""
        known = self._wide
        picked = np.stack([_column(rows, column) for column in self._columns], axis=1)
        places = np.empty(len(rows), np.int32)
        for at, one in enumerate(map(bytes, np.ascontiguousarray(picked))):
            place = known.get(one)
            if place is None:
                columns = self._columns
                place = known[one] = self._make(rows, at)
                if self._columns != columns:
                    known.clear()
                    return self.find(rows)
            places[at] = place
        return places
