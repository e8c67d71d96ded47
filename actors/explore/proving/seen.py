"""The states seen so far, as 64-bit fingerprints in an open-addressing table that grows by two.

A whole batch is put in at once. Where two new ones want the same slot, the one that comes first in the batch
gets it and the other goes on to the next slot, so that what counts as new, and in which order, depends on the
order of the batch alone. A fingerprint of 0 means an empty slot.
"""

import numpy as np
import numpy.typing as npt

Fingerprints = npt.NDArray[np.uint64]

_LOAD = 0.6
_FULL = 0.9  # while a batch is being put in: mostly not all of it is new
_FIRST = 1 << 16
_PART = 1 << 20


class Seen:
    """A set of fingerprints."""

    def __init__(self, size: int = _FIRST) -> None:
        self._slots: Fingerprints = np.zeros(size, np.uint64)
        self.count = 0

    @property
    def bytes(self) -> int:
        """Memory taken, in bytes."""
        return self._slots.nbytes

    def add(self, batch: Fingerprints) -> npt.NDArray[np.int64]:
        """Put a batch in; return the positions in it of those that are new, ascending, each once."""
        while self.count + len(batch) > _FULL * len(self._slots):
            self._grow()
        batch = np.where(batch == 0, np.uint64(1), batch)
        new = self._insert(batch)
        self.count += len(new)
        if self.count > _LOAD * len(self._slots):
            self._grow()
        return new

    def _insert(self, batch: Fingerprints) -> npt.NDArray[np.int64]:
        slots = self._slots
        last = len(slots) - 1
        waiting = np.arange(len(batch))
        at = (batch & np.uint64(last)).astype(np.int64)
        new: list[npt.NDArray[np.int64]] = []
        while len(waiting):
            wanted = batch[waiting]
            empty = np.flatnonzero(slots[at] == 0)
            if len(empty):
                # Who gets a slot that several want? The last to write stays, so positions are written backwards.
                where, who = at[empty], waiting[empty]
                slots[where[::-1]] = who[::-1]
                won = np.flatnonzero(slots[where] == who.astype(np.uint64))
                slots[where[won]] = batch[who[won]]
                new.append(who[won])
            left = np.flatnonzero(slots[at] != wanted)
            waiting = waiting[left]
            at = (at[left] + 1) & last
        return np.sort(np.concatenate(new)) if new else np.empty(0, np.int64)

    def _grow(self) -> None:
        old = self._slots
        self._slots = np.zeros(2 * len(old), np.uint64)
        for start in range(0, len(old), _PART):
            part = old[start : start + _PART]
            self._insert(part[part != 0])
