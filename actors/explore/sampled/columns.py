"""Thousands of random walks at once: states as numbers, links as columns, each step a few array operations.

A walk on known states needs no state, only links: from a state and an outcome to the next state. These are kept
in arrays that grow: where a walk meets a link that nobody has followed, it is worked out on the tables and
written down. After that all walks go on together. The draws are those of `strategies.random_walk` (or, with
counts, of `strategies.urw`), so each execution is the one that these strategies would choose alone.

This imports NumPy.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.explore.sampled.counting import Counts, TooLarge
from actors.explore.sampled.draws import FIRST, HALF, LOW, MASK, SECOND, STEP, seed_of
from actors.explore.sampled.rows import key_of
from actors.explore.stopping import Stop, StopRequest, never
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.tables import Tables

MOST_STATES = 50_000
_MOST_LINKS = 1_000_000
_MOST_CONDITIONS = 62
MOST_COUNTED = 1 << 62
"""Beyond that many executions ranks do not fit into 64 bits."""

_LOOK_EVERY = 64
_GOING, _FINISHED, _VIOLATED = 0, 1, 2

Numbers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


class Walked:
    """What became of a batch of executions, in the order of their numbers.

    `steps` and `last` (the state at the end) have one place for each, `violated` the numbers of those that
    violated something; `met` has a bit for each condition that any has met.
    """

    def __init__(
        self, first: int, steps: Numbers, last: Numbers, ends: npt.NDArray[np.int8], met: int
    ) -> None:
        self.steps = steps
        self.last = last
        self.met = met
        self.violated = [first + int(place) for place in np.flatnonzero(ends == _VIOLATED)]
        self.places = np.flatnonzero(ends == _VIOLATED)
        self.undecided = int(np.count_nonzero(ends == _GOING))


class Growing:
    """An array that grows by two."""

    def __init__(self, kind: Any) -> None:
        self.all = np.zeros(1024, kind)
        self.size = 0

    def add(self, *values: int) -> int:
        """Append values; return where they begin."""
        begin, self.size = self.size, self.size + len(values)
        while self.size > len(self.all):
            self.all = np.concatenate((self.all, np.zeros_like(self.all)))
        self.all[begin : self.size] = values
        return begin


class Columns:
    """The known states of a world as columns."""

    def __init__(self, tables: Tables, names: tuple[str, ...], counts: Counts | None = None) -> None:
        if len(names) > _MOST_CONDITIONS:
            raise TooLarge
        self._graph = Graph(tables, MOST_STATES + 1)
        self._bits = {name: 1 << place for place, name in enumerate(names)}
        self.names = names
        self._counts = counts
        self._numbers: dict[State, int] = {}
        self._states: list[State] = []
        self._ending, self._met = Growing(np.int8), Growing(np.int64)
        self._programs, self._first = Growing(np.int64), Growing(np.int64)
        self._outcomes, self._base = Growing(np.int64), Growing(np.int64)
        self._next = Growing(np.int64)
        self._behind = Growing(np.int64)
        self._ways, self._way = Growing(np.int64), Growing(np.int64)
        self._most_ways = 1
        self._several = False
        self._links: list[tuple[int, int, int]] = []
        self._number(self._graph.first)

    def _number(self, state: State) -> int:
        """Return a state's number, a new one if it is new."""
        number = self._numbers.get(state)
        if number is not None:
            return number
        number = self._numbers[state] = len(self._states)
        options = self._graph.options(state) if state.ending is None else ()
        if len(self._graph) > MOST_STATES or len(self._links) > _MOST_LINKS:
            raise TooLarge
        self._states.append(state)
        ending = {None: _GOING, "finished": _FINISHED}.get(state.ending, _VIOLATED)
        self._ending.add(ending)
        self._met.add(sum(self._bits[name] for name in state.met))
        self._programs.add(len(options))
        counted = self._counts.behind(key_of(state.row)) if self._counts is not None else None
        self._first.add(self._outcomes.size)
        self._way.add(self._next.size)
        begin = self._next.size
        before = 0
        for place, (_, _, moves) in enumerate(options):
            self._several = self._several or len(moves) > 1
            self._outcomes.add(len(moves))
            self._base.add(self._next.size)
            for index in range(len(moves)):
                self._next.add(-1)
                self._links.append((number, place, index))
                before += counted[place][index] if counted is not None else 0
                self._behind.add(before)
        ways = self._next.size - begin
        self._ways.add(ways)
        self._most_ways = max(self._most_ways, ways)
        return number

    def _behind_links(self, links: Numbers) -> Numbers:
        """Return the states behind links; those that nobody has followed are worked out."""
        state: Numbers = self._next.all[links]
        if state.min() < 0:
            for link in np.unique(links[state < 0]).tolist():
                number, place, index = self._links[link]
                self._next.all[link] = self._number(self._graph.follow(self._states[number], place, index))
            state = self._next.all[links]
        return state

    def met(self, walked: Walked) -> set[str]:
        """Return the names of the conditions that a batch has met."""
        return {name for name, bit in self._bits.items() if walked.met & bit}

    def shortest(self, walked: Walked) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Return the place of the first shortest violation for each state in which one ended, and its names."""
        places = walked.places[np.argsort(walked.steps[walked.places], kind="stable")]
        _, firsts = np.unique(walked.last[places], return_index=True)
        for place in sorted(int(places[one]) for one in firsts):
            yield place, self._states[walked.last[place]].violated

    def walk(self, seed: int, first: int, count: int, limit: int, stop: StopRequest = never) -> Walked:
        """Walk so many executions from number `first` on, each for at most `limit` steps.

        Raises TooLarge where the world is, and Stop if somebody asks to.
        """
        base = _streams(seed, first, count)
        steps = np.zeros(count, np.int64)
        ends = np.zeros(count, np.int8)
        going = np.arange(count)
        state = np.zeros(count, np.int64)
        met = int(self._met.all[0])
        if self._ending.all[0] != _GOING:
            ends[:] = self._ending.all[0]
            return Walked(first, steps, state, ends, met)
        last = np.zeros(count, np.int64)
        rank = _ranks(base, self._counts.total) if self._counts is not None else None
        for step in range(1, limit + 1):
            if step % _LOOK_EVERY == 0 and stop():
                raise Stop
            link, rank = self._drawn(base, state, step) if rank is None else self._ranked(state, rank)
            state = self._behind_links(link)
            met |= int(np.bitwise_or.reduce(self._met.all[state]))
            end = self._ending.all[state]
            if end.any():
                over = end != _GOING
                ended = going[over]
                steps[ended] = step
                last[ended] = state[over]
                ends[ended] = end[over]
                left = ~over
                going, state, base = going[left], state[left], base[left]
                rank = rank[left] if rank is not None else None
                if not len(going):
                    break
        steps[going] = limit
        return Walked(first, steps, last, ends, met)

    def _drawn(self, base: Words, state: Numbers, step: int) -> tuple[Numbers, None]:
        """Draw a program, and an outcome, for each walk."""
        bits = _mixed(base + np.uint64(step * STEP & MASK))
        programs = self._programs.all[state].astype(np.uint64)
        place = ((bits >> np.uint64(HALF)) * programs >> np.uint64(HALF)).astype(np.int64)
        option = self._first.all[state] + place
        link = self._base.all[option]
        if self._several:
            outcomes = self._outcomes.all[option].astype(np.uint64)
            link = link + ((bits & np.uint64(LOW)) * outcomes >> np.uint64(HALF)).astype(np.int64)
        return link, None

    def _ranked(self, state: Numbers, rank: Numbers) -> tuple[Numbers, Numbers]:
        """Take the link behind which the execution of that rank lies; return its rank there as well."""
        way, ways = self._way.all[state], self._ways.all[state]
        chosen = np.zeros_like(state)
        for one in range(self._most_ways - 1):
            last = np.minimum(one, ways - 1)
            chosen += (one < ways - 1) & (rank >= self._behind.all[way + last])
        link = way + chosen
        before = np.where(chosen > 0, self._behind.all[np.maximum(link - 1, 0)], 0)
        return link, rank - before


def _mixed(words: Words) -> Words:
    words = (words ^ words >> np.uint64(30)) * np.uint64(FIRST)
    words = (words ^ words >> np.uint64(27)) * np.uint64(SECOND)
    return words ^ words >> np.uint64(31)


def _streams(seed: int, first: int, count: int) -> Words:
    numbers = np.arange(first, first + count, dtype=np.uint64)
    return _mixed(np.uint64(seed_of(seed)) + numbers * np.uint64(STEP))


def _ranks(base: Words, total: int) -> Numbers:
    """Do as `Draws.wide_below` does with two words: the upper 128 of 192 bits of their product with `total`."""
    words = total.bit_length() // 64 + 2
    drawn = [_mixed(base + np.uint64(which * STEP & MASK)) for which in range(1, words + 1)]
    high, low = _product(drawn[0], total)
    carry, _ = _product(drawn[1], total)
    return (high + (low + carry < low)).astype(np.int64)


def _product(words: Words, factor: int) -> tuple[Words, Words]:
    """Multiply by a number of 64 bits; return the upper and the lower 64 bits."""
    low, high = np.uint64(factor & LOW), np.uint64(factor >> HALF)
    half, mask = np.uint64(HALF), np.uint64(LOW)
    ll, lh = (words & mask) * low, (words & mask) * high
    hl, hh = (words >> half) * low, (words >> half) * high
    middle = (ll >> half) + (lh & mask) + (hl & mask)
    return hh + (lh >> half) + (hl >> half) + (middle >> half), (middle << half) | (ll & mask)
