"""The states seen so far, as 64-bit fingerprints in an open-addressing table that grows by two.

A whole batch is put in at once. Where two new ones want the same slot, the one that comes first in the batch
gets it and the other goes on to the next slot, so that what counts as new, and in which order, depends on the
order of the batch alone. A fingerprint of 0 means an empty slot.
"""

import numpy as np
import numpy.typing as npt

Fingerprints = npt.NDArray[np.uint64]

_LOAD = 0.6
_FIRST = 1 << 16


class Seen:
    """A set of fingerprints."""

    def __init__(self, size: int = _FIRST) -> None:
        self._slots: Fingerprints = np.zeros(size, np.uint64)
        self._owner = np.zeros(size, np.int32)
        self.count = 0

    @property
    def bytes(self) -> int:
        """Memory taken, in bytes."""
        return self._slots.nbytes + self._owner.nbytes

    def add(self, batch: Fingerprints) -> npt.NDArray[np.int64]:
        """Put a batch in; return the positions in it of those that are new, ascending, each once."""
        batch = np.where(batch == 0, np.uint64(1), batch)
        while (self.count + len(batch)) > _LOAD * len(self._slots):
            # Mostly the batch is not all new; grow only if it would not fit if it were half new.
            if (self.count + len(batch) // 2) <= _LOAD * len(self._slots) and len(batch) * 4 < len(
                self._slots
            ):
                break
            self._grow()
        new = self._insert(batch)
        self.count += len(new)
        return new

    def _insert(self, batch: Fingerprints) -> npt.NDArray[np.int64]:
        slots, owner = self._slots, self._owner
        mask = np.uint64(len(slots) - 1)
        waiting = np.arange(len(batch))
        at = (batch & mask).astype(np.int64)
        new: list[npt.NDArray[np.int64]] = []
        while len(waiting):
            here = slots[at]
            wanted = batch[waiting]
            empty = np.flatnonzero(here == 0)
            if len(empty):
                # The last write stays, so the batch is written backwards: the first of it stays.
                back = empty[::-1]
                slots[at[back]] = wanted[back]
                owner[at[back]] = waiting[back]
                here = slots[at]
                mine = empty[owner[at[empty]] == waiting[empty]]
                new.append(waiting[mine])
            left = np.flatnonzero(here != wanted)
            waiting = waiting[left]
            at = (at[left] + 1) & int(mask)
        return np.sort(np.concatenate(new)) if new else np.empty(0, np.int64)

    def _grow(self) -> None:
        old = self._slots[self._slots != 0]
        size = 2 * len(self._slots)
        self._slots = np.zeros(size, np.uint64)
        self._owner = np.zeros(size, np.int32)
        for start in range(0, len(old), 1 << 20):
            self._insert(old[start : start + (1 << 20)])
