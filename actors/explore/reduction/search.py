"""The search of a part of all orders: what `proving.search` does, with less of what can happen in each state.

A state that is left in one way only is gone through, and not stored: it is told apart from the others of its level
and then forgotten. Ways of different lengths may lead there twice; ways of one length, as those are that differ in
the order of independent steps, do not.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from actors.explore.covered import Covered
from actors.explore.proving.expansion import Codes, Successors
from actors.explore.proving.fingerprints import Words
from actors.explore.proving.lookup import Rows
from actors.explore.proving.search import Block, Search
from actors.explore.proving.seen import Seen
from actors.explore.reduction.choosing import Choosing, Mask
from actors.explore.reduction.futures import Futures
from actors.explore.tables.tables import Tables

_STORED = 16
"""Of one level in so many all states are stored, so that no circle is gone through for ever."""
_SMALL = 1 << 10

Indices = npt.NDArray[np.int64]


class ReducedSearch(Search):
    """One search that relies on one assumption; `states` counts those that are gone through, too."""

    def __init__(self, tables: Tables, futures: Futures, **options: Any) -> None:
        super().__init__(tables, **options)
        self._choosing = Choosing(tables, futures)
        self._level, self._next = Seen(_SMALL), Seen(_SMALL)

    def run(self) -> Covered:
        """Search as `Search` does; the states are those that were stored."""
        return super().run()._replace(states=self._seen.count, visited=self.states)

    def _expanded(self, level: list[Block]) -> list[Block]:
        self._level, self._next = self._next, Seen(_SMALL)
        return super()._expanded(level)

    def _successors(self, block: Block) -> Successors:
        """Return the moves of the programs that are chosen; all moves, where those put the others off."""
        chosen = self._choosing.choose(block.rows)
        found = self._expansion.successors(block.rows, block.prints, chosen.programs)
        whole = np.flatnonzero(chosen.reduced & self._puts_off(found, len(block.rows)))
        if len(whole):
            others = ~chosen.programs[whole]
            rest = self._expansion.successors(block.rows[whole], block.prints[whole], others)
            found = _merged(found, rest, whole)
        ways = np.bincount(found.parents, minlength=len(block.rows))
        self._seen.add(block.prints[(ways != 1) | (self.depth % _STORED == 0)])
        return found

    def _puts_off(self, found: Successors, states: int) -> Mask:
        """Say which states lead to nothing new, so that the programs left out there might never have their turn."""
        stays = np.ones(states, np.bool_)
        stays[found.parents[self._is_new(found.fingerprints)]] = False
        return stays

    def _add(self, prints: Words) -> Indices:
        new = np.flatnonzero(self._is_new(prints))
        return new.take(self._next.add(prints.take(new)))

    def _is_new(self, prints: Words) -> Mask:
        """Say which are neither of this level nor stored in one before it."""
        return ~(self._seen.has(prints) | self._level.has(prints))

    def _arrived(self, rows: Rows, prints: Words, parents: Indices, codes: Codes, ended: Indices) -> Block:
        found = super()._arrived(rows, prints, parents, codes, ended)
        if len(found.prints) < len(prints):
            self._seen.add(prints[~np.isin(prints, found.prints)])
        return found


def _merged(found: Successors, rest: Successors, states: Indices) -> Successors:
    """Put the rest of the moves of some states behind their first ones."""
    parents = np.concatenate([found.parents, states[rest.parents]])
    order = np.argsort(parents, kind="stable")
    return Successors(
        parents[order],
        np.concatenate([found.moves, rest.moves])[order],
        np.concatenate([found.fingerprints, rest.fingerprints])[order],
        found.stuck,
    )
