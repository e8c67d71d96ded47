"""What makes one execution better to read than another: three counts, the first of which decides.

A cost is one integer that holds the three, so that costs are added and compared as such.
"""

from collections.abc import Iterable
from typing import NamedTuple

_BITS = 24
_UNITS = (1 << 2 * _BITS, 1 << _BITS, 1)
MOST = (1 << 3 * _BITS) - 1
"""More than any execution costs."""


class Order(NamedTuple):
    """What a context switch, an asynchronous event and a step cost; a switch is a step by another program than the last."""

    switch: int
    event: int
    step: int

    def cost(self, counts: "Counts") -> int:
        """Return the cost of an execution."""
        return self.switch * counts.switches + self.event * counts.events + self.step * counts.steps


class Counts(NamedTuple):
    """How many context switches, events and steps an execution has."""

    switches: int
    events: int
    steps: int


FEWEST_SWITCHES = Order(switch=_UNITS[0], event=_UNITS[1], step=_UNITS[2])
"""Few switches before few events before few steps: what a person follows most easily."""

SHORTEST = Order(switch=_UNITS[1], event=_UNITS[2], step=_UNITS[0])
"""Few steps, and among the shortest few switches, then few events: what `verify` promises, at its most readable."""


def counts(steps: Iterable[tuple[str, str]]) -> Counts:
    """Count an execution, given as the program and the class of event (or nothing) of each step."""
    switches = events = number = 0
    last = ""
    for program, event in steps:
        switches += number > 0 and program != last
        events += bool(event)
        number += 1
        last = program
    return Counts(switches, events, number)
