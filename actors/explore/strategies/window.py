"""A window that somebody suspects: a random walk that holds the others back until it is open, and then lets them in.

The window is a label of a program, set while it stands between the two steps in question. Outside all windows
the programs that have one go on with `WEIGHT` to 1 against the others, so that what may spoil the window, or has
to happen in it, mostly still lies ahead when it opens; while it is open the others have `WEIGHT` to 1.
"""

from actors.explore.sampled.draws import Draws
from actors.explore.sampled.position import Offer, Position

WEIGHT = 256


class Windows:
    """The random walk with weights by window; each is a program's name and a label of it."""

    def __init__(self, seed: int, windows: tuple[tuple[str, str], ...]) -> None:
        self._seed = seed
        self._windows = windows
        self._owners = {program for program, _ in windows}
        self._opened: set[tuple[str, str]] = set()
        self.begin(1)

    @property
    def note(self) -> str | None:
        """Which windows were never open."""
        never = [".".join(one) for one in self._windows if one not in self._opened]
        return f"window never open: {', '.join(never)}" if never else None

    def begin(self, number: int) -> None:
        """Take the draws of that execution."""
        self._draws = Draws(self._seed, number)

    def program(self, at: Position) -> int:
        """Mostly one that is not in its window while another one is; else mostly one that has a window."""
        inside = {one for one in self._windows if at.labelled(*one)}
        self._opened |= inside
        standing = {program for program, _ in inside}
        weights = [WEIGHT if self._preferred(offer, standing) else 1 for offer in at.offers]
        drawn = self._draws.below(sum(weights))
        place = 0
        while drawn >= weights[place]:
            drawn -= weights[place]
            place += 1
        return place

    def _preferred(self, offer: Offer, standing: set[str]) -> bool:
        return offer.program not in standing if standing else offer.program in self._owners

    def outcome(self, at: Position, offer: Offer) -> int:
        """Any outcome."""
        del at
        return self._draws.below(offer.outcomes)

    def ended(self, at: Position) -> None:
        """Learn nothing."""
