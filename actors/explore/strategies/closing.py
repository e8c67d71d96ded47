"""What has been gone to the end: ways out of states, or out of the beginnings of executions.

A state is closed once every way to go on from it has been, and so is a way that leads to a closed state. Closing
a state may so close others, backwards along all ways that are known to lead there.
"""

from collections.abc import Hashable

MOST_STATES = 100_000
"""States of which anything is kept; what is not kept is never closed, which costs time and nothing else."""

UNCLOSABLE = 1 << 30
"""More ways to go on than it makes sense to count."""

Link = tuple[int, int]
"""A way to go on: the place of the program, and the outcome."""

NOTHING: frozenset[Link] = frozenset()


class ClosedStates:
    """Closed ways out of states; several ways may lead to one state."""

    def __init__(self) -> None:
        self.links: dict[Hashable, set[Link]] = {}
        self.all = False
        self._ways: dict[Hashable, int] = {}
        self._before: dict[Hashable, set[tuple[Hashable, Link]]] = {}
        self._last: tuple[Hashable, Link] | None = None

    def begin(self) -> None:
        """Start with another execution."""
        self._last = None

    def went(self, state: Hashable, ways: int, link: Link) -> None:
        """Take note of a step from a state that has so many ways to go on."""
        last, self._last = self._last, (state, link)
        if ways == UNCLOSABLE:
            return
        before = self._before.get(state)
        if before is None:
            if len(self._before) >= MOST_STATES:
                return
            before = self._before[state] = set()
            self._ways[state] = ways
        if last is not None:
            before.add(last)
            if len(self.links.get(state, NOTHING)) >= ways:  # it was closed before anybody came from there
                self._close(*last)
        elif not before:
            self._first = state

    def ended(self) -> None:
        """Close what is now known to the end."""
        if self._last is not None:
            self._close(*self._last)

    def _close(self, state: Hashable, link: Link) -> None:
        left = [(state, link)]
        while left:
            state, link = left.pop()
            ways = self._ways.get(state)
            if ways is None:
                continue
            gone = self.links.setdefault(state, set())
            if link in gone:
                continue
            gone.add(link)
            if len(gone) >= ways:
                left.extend(self._before[state])
                self.all = self.all or state == self._first


class ClosedWays:
    """Closed ways out of beginnings of executions; to each of these leads one way only."""

    def __init__(self) -> None:
        self.links: dict[Hashable, set[Link]] = {}
        self.all = False
        self._trail: list[tuple[Hashable, int, Link]] = []

    def begin(self) -> None:
        """Start with another execution."""
        self._trail = []

    def went(self, beginning: Hashable, ways: int, link: Link) -> None:
        """Take note of a step behind a beginning that has so many ways to go on."""
        self._trail.append((beginning, ways, link))

    def ended(self) -> None:
        """Close what is now known to the end, from the last step backwards."""
        for beginning, ways, link in reversed(self._trail):
            gone = self.links.get(beginning)
            if gone is None:
                if len(self.links) >= MOST_STATES:
                    return
                gone = self.links[beginning] = set()
            gone.add(link)
            if len(gone) < ways:
                return
        self.all = True
