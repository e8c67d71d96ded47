"""Reduced searches, one after another, until one relied on no more than what held; what is found is made short."""

import time
from collections.abc import Callable

from actors.explore.covered import Covered
from actors.explore.proving.search import Bounds, Progress
from actors.explore.reduction.futures import Futures
from actors.explore.reduction.search import ReducedSearch
from actors.explore.reduction.shortening import shortened
from actors.explore.tables.tables import Tables

_FIRST = 1000
"""States after which a round is first asked whether it still counts."""

Look = Callable[[Progress], bool]


def search_reduced(
    tables: Tables,
    *,
    keep_going: bool = False,
    seed: int = 0,
    bounds: Bounds = Bounds(),  # noqa: B008  # an immutable value
    progress: Look | None = None,
) -> Covered:
    """Search a part of all orders that is enough; the bounds are those of each search that it takes, the seconds those of all."""
    begun = time.perf_counter()

    def left() -> Bounds:
        spent = time.perf_counter() - begun
        return bounds if bounds.seconds is None else bounds._replace(seconds=bounds.seconds - spent)

    found = _rounds(tables, left, progress, keep_going=keep_going, seed=seed)
    return found if found.log is None else shortened(tables, found, left(), seed, keep_going=keep_going)


def _rounds(
    tables: Tables, left: Callable[[], Bounds], progress: Look | None, *, keep_going: bool, seed: int
) -> Covered:
    """Go round until a round counts. A violation counts in any: what has been gone through can happen."""
    futures = Futures()
    while True:
        futures.assume()
        look = _Look(futures, progress)
        found = ReducedSearch(
            tables, futures, keep_going=keep_going, seed=seed, bounds=left(), progress=look
        ).run()
        if found.log is not None and not keep_going:
            return found
        if not look.outgrown and (found.limit is not None or futures.held()):
            return found


class _Look:
    """Passes progress on, and stops a round that cannot count any more; it asks again when it has gone twice as far."""

    def __init__(self, futures: Futures, progress: Look | None) -> None:
        self._futures = futures
        self._progress = progress
        self._next = _FIRST
        self.outgrown = False

    def __call__(self, now: Progress) -> bool:
        if now.states >= self._next:
            self._next = 2 * now.states
            self.outgrown = not self._futures.held()
        return not self.outgrown and (self._progress is None or self._progress(now))
