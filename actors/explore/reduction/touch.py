"""What steps touch, as sets of bits, and when two of them meet."""

from collections.abc import Iterable
from typing import NamedTuple


class Touch(NamedTuple):
    """Columns read, columns changed, and conditions that look at something changed: a bit each."""

    reads: int = 0
    writes: int = 0
    marks: int = 0

    def meets(self, other: "Touch", silent: int = 0) -> bool:
        """Say whether the order of two steps matters: for what either does, or for a condition that is not `silent`."""
        return bool(
            self.writes & (other.reads | other.writes)
            or self.reads & other.writes
            or self.marks & other.marks & ~silent
        )

    def joined(self, other: "Touch") -> "Touch":
        """Return what either touches."""
        return Touch(self.reads | other.reads, self.writes | other.writes, self.marks | other.marks)

    def within(self, other: "Touch") -> bool:
        """Say whether nothing is touched that the other does not touch likewise."""
        return self.joined(other) == other


def bits(columns: Iterable[int]) -> int:
    """Return a set of columns."""
    found = 0
    for column in columns:
        found |= 1 << column
    return found
