"""The states seen so far, as 64-bit fingerprints in an open-addressing table that grows by two.

A whole batch is put in at once. Where two new ones want the same slot, the one that comes first in the batch
gets it and the other goes on to the next slot, so that what counts as new, and in which order, depends on the
order of the batch alone. A fingerprint of 0 means an empty slot.

All that wait for a slot take one look together. A few of them have far to go; once few are left, each looks at
several slots at once, or the last one would cost a round of its own for every slot that it goes past.

A fingerprint's first choice are its highest bits. So a table in the order of its slots is nearly in the order of
its fingerprints, and the next larger one is in the same order: it is filled from one end to the other.
"""

import numpy as np
import numpy.typing as npt

Fingerprints = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

_LOAD = 0.6
_FULL = 0.9  # while a batch is being put in: mostly not all of it is new
_FIRST = 1 << 18
_PART = 1 << 15
"""Fingerprints that wait together; what they look at again and again should stay in a CPU's cache."""
_FEW = 1 << 10
_AHEAD = np.arange(1, 9)


class Seen:
    """A set of fingerprints; `size` is a power of two."""

    def __init__(self, size: int = _FIRST) -> None:
        self._slots: Fingerprints = np.zeros(size, np.uint64)
        self.count = 0

    @property
    def bytes(self) -> int:
        """Memory taken, in bytes."""
        return self._slots.nbytes

    def add(self, batch: Fingerprints) -> Indices:
        """Put a batch in; return the positions in it of those that are new, ascending, each once."""
        while self.count + len(batch) > _FULL * len(self._slots):
            self._grow()
        if not batch.all():
            batch = np.where(batch == 0, np.uint64(1), batch)
        fresh = np.zeros(len(batch), np.bool_)
        for start in range(0, len(batch), _PART):
            self._insert(batch[start : start + _PART], fresh[start : start + _PART])
        new = fresh.nonzero()[0]
        self.count += len(new)
        if self.count > _LOAD * len(self._slots):
            self._grow()
        return new

    def has(self, batch: Fingerprints) -> Flags:
        """Say which of a batch are there."""
        slots = self._slots
        last = len(slots) - 1
        wanted = np.where(batch == 0, np.uint64(1), batch)
        waiting = np.arange(len(batch))
        at = self._home(wanted)
        found = np.zeros(len(batch), np.bool_)
        while len(waiting):
            held = slots.take(at)
            found[waiting[held == wanted]] = True
            left = ((held != wanted) & (held != 0)).nonzero()[0]
            waiting, wanted, at = waiting.take(left), wanted.take(left), at.take(left)
            at = (at + 1) & last
        return found

    def _insert(self, batch: Fingerprints, fresh: Flags) -> None:
        """Find each its slot, and flag those that were not there before."""
        slots = self._slots
        last = len(slots) - 1
        # The last to write stays; so the first of the batch is last in line.
        wanted = batch[::-1]
        waiting = np.arange(len(batch), dtype=np.uint64)[::-1]
        at = self._home(wanted)
        while len(waiting):
            held = slots.take(at)
            empty = (held == 0).nonzero()[0]
            if len(empty):
                where, who = at.take(empty), waiting.take(empty)
                slots[where] = who
                won = (slots.take(where) == who).nonzero()[0]
                who = who.take(won).view(np.int64)
                slots[where.take(won)] = batch.take(who)
                fresh[who] = True
                held = slots.take(at)
            left = (held != wanted).nonzero()[0]
            waiting, wanted, at = waiting.take(left), wanted.take(left), at.take(left)
            at = ((at if len(left) > _FEW else self._ahead(at, wanted)) + 1) & last

    def _ahead(self, at: Indices, wanted: Fingerprints) -> Indices:
        """Return the places after which each will find its fingerprint or an empty slot, as far as it can see."""
        slots = self._slots
        window = slots.take((at[:, None] + _AHEAD) & (len(slots) - 1))
        ends = (window == 0) | (window == wanted[:, None])
        ends[:, -1] = True
        found: Indices = at + ends.argmax(axis=1)
        return found

    def _home(self, prints: Fingerprints) -> Indices:
        """Return the slots where these fingerprints should be."""
        shift = 65 - len(self._slots).bit_length()
        return (prints >> np.uint64(shift)).view(np.int64)

    def _grow(self) -> None:
        old = self._slots
        self._slots = np.zeros(2 * len(old), np.uint64)
        left = [self._moved(old, start) for start in range(0, len(old), _PART)]
        for part in left:
            self._insert(part, np.zeros(len(part), np.bool_))

    def _moved(self, old: Fingerprints, start: int) -> Fingerprints:
        """Give the fingerprints of a part of the old slots their new ones in that part; return those left over."""
        part = np.sort(old[start : start + _PART])  # empty slots come first
        first, end = 2 * start, 2 * (start + len(part))
        part = part[np.searchsorted(part, 1) :]
        home = self._home(part)
        low, high = np.searchsorted(home, (first, end)).tolist()
        # Each goes to its own slot, or right behind the one before it.
        place = np.arange(high - low)
        slot = np.maximum.accumulate(home[low:high] - place) + place
        high = low + int(np.searchsorted(slot, end))
        self._slots[slot[: high - low]] = part[low:high]
        return np.concatenate([part[:low], part[high:]])
