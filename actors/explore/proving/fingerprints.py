"""Fingerprints of states: for each column and number a random 64-bit word, and a state is the XOR of its own.

So what a move changes is all that has to be looked up to know the fingerprint of the next state (Zobrist, 1970).
The words come from a counter, not from a generator's state: the same seed gives the same words on any machine
and in any order. Two states collide with probability 2^-64 if they differ in anything.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def mixed(counters: Words) -> Words:
    """Return a random-looking word for each counter (splitmix64)."""
    words = counters * _GOLDEN
    words = (words ^ (words >> np.uint64(30))) * _MIX[0]
    words = (words ^ (words >> np.uint64(27))) * _MIX[1]
    return words ^ (words >> np.uint64(31))


class Fingerprinting:
    """The words of each column; `seed` gives another set of them, to confirm a verdict."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = np.uint64(seed + 1)
        self._words: list[Words] = []

    def words(self, column: int, most: int) -> Words:
        """Return a column's words for the numbers up to `most`; number 0, nothing there, has word 0."""
        while len(self._words) <= column:
            self._words.append(np.zeros(1, np.uint64))
        known = self._words[column]
        if len(known) <= most:
            size = max(2 * len(known), most + 1)
            counters = np.arange(size, dtype=np.uint64) + (np.uint64(column) << np.uint64(32))
            known = mixed(mixed(counters) ^ mixed(np.full(1, self._seed, np.uint64)))
            known[0] = 0
            self._words[column] = known
        return known

    def change(self, row: tuple[int, ...], changes: tuple[tuple[int, int], ...]) -> int:
        """Return what these changes of a row do to its fingerprint."""
        word = 0
        for column, number in changes:
            words = self.words(column, max(number, row[column]))
            word ^= int(words[number]) ^ int(words[row[column]])
        return word

    def of(self, rows: npt.NDArray[Any]) -> Words:
        """Return the fingerprints of whole rows."""
        found = np.zeros(len(rows), np.uint64)
        for column in range(rows.shape[1]):
            numbers = rows[:, column]
            found ^= self.words(column, int(numbers.max(initial=0)))[numbers]
        return found
