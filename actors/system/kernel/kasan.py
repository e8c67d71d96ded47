"""What KASAN says of a pointer that is used too late: memory that is not allocated, or was freed, is neither read nor written.

Every access to such memory is checked: by plain loads and stores here, by instructions of the XSAVE family in the machine, which
finds no area there (`actors.machine.kasan`); both say the same. Follows mm/kasan/report.c.
"""

from typing import Any

from actors.machine.kasan import KasanBug, use_after_free
from actors.runtime import Outcomes, Program, Values, Variable

__plumbing__ = True


def double_free(name: str) -> KasanBug:
    """Return what is said of a second free of it."""
    return KasanBug(f"BUG: KASAN: double-free in {name}: it is not allocated, or was freed")


class Freeable(Variable[Any], frozen=True):
    """A location in memory that may be freed; it holds None while it is not allocated."""

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """As a variable; raises KasanBug where there is none."""
        if values[self.cell] is None:
            raise use_after_free(self.name)
        return super().handle(sender, message, values)
