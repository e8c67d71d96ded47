"""Between which two steps of one program others have to fall, found by moving them.

Where a program could have gone on and another one took its turn, what the others did there is a stretch. The
program is let go first, one step further each time, until that order passes: the step that did it closes the
window. Its last steps are put behind the stretch, one more each time, until that passes: that one opens it.
Both times the order is then made as similar to the one that was found as it can be; so the last step that is
still moved, and the step that it is moved across, are the two whose order decides.

An order is played as it is wished for (`minimising.playing`), with the events that there were (`trials`), and passes
if it comes to its end and violates nothing. In it the two steps have to be the other way round: a step that is wished for
before one that makes it possible waits for that, and what then passes tells of something else.
"""

from collections.abc import Iterator
from typing import NamedTuple

from actors.explore.explaining.trials import Trials
from actors.explore.minimising.cheapest import Log
from actors.explore.minimising.minimal import Counterexample
from actors.explore.minimising.playing import Played, Taken
from actors.explore.minimising.shortening import stretches

_FURTHER = 64  # steps that a program is let go first


class Bound(NamedTuple):
    """One end of a window: the step of its program, the step of others that it was moved across, and the order that passes.

    `ordinal` counts the steps of its program before it, `across` is a place in the execution that is explained;
    `steps` were moved, to an `early` place or a late one.
    """

    step: Taken
    ordinal: int
    early: bool
    across: int
    steps: int
    passes: Played


class Found(NamedTuple):
    """A window of one program, for the stretch that begins at a place in the execution."""

    program: str
    place: int
    preempted: bool
    opens: Bound | None
    closes: Bound | None

    @property
    def narrow(self) -> tuple[bool, int, bool, int]:
        """What makes one window tell more than another: two ends, few steps inside, a program that was running, late."""
        ends = [one for one in (self.opens, self.closes) if one is not None]
        return len(ends) == 1, sum(one.steps for one in ends), not self.preempted, -self.place

    @property
    def flip(self) -> Bound:
        """The end for which fewer steps are moved."""
        return min((one for one in (self.opens, self.closes) if one is not None), key=lambda one: one.steps)


def narrowest(given: Counterexample, trials: Trials) -> Found | None:
    """Return the window that tells most; None if no order that is tried passes."""
    return min(_Moving(given, trials).windows(), key=lambda one: one.narrow, default=None)


class _Moving:
    """Orders are lists of places in the execution; a step that it does not have is one more of the program's."""

    def __init__(self, given: Counterexample, trials: Trials) -> None:
        self._given = given
        self._trials = trials
        self._steps = given.played.steps
        self._log: Log = given.played.log

    def windows(self) -> Iterator[Found]:
        """Return the windows of all programs that could have gone on where another one took its turn."""
        for stretch in stretches(self._steps):
            place = stretch.first
            for column, node, _ in self._given.graph.options(self._steps[place].state):
                if node.name == stretch.name or column in self._given.events.sources:
                    continue  # events fall into windows of programs
                mine = [at for at, one in enumerate(self._log) if one[0] == node.name]
                opens, closes = self._opens(mine, place), self._closes(node.name, mine, place)
                if opens is not None or closes is not None:
                    yield Found(node.name, place, place - 1 in mine, opens, closes)

    def _wishes(self, name: str, *parts: list[int]) -> Log:
        """Return an order as wishes."""
        count = len(self._log)
        return [self._log[at] if at < count else (name, 0) for part in parts for at in part]

    def _closes(self, name: str, mine: list[int], place: int) -> Bound | None:
        """Let the program go first, further and further."""
        count = len(self._log)
        before = list(range(place))
        later = [at for at in mine if at >= place]
        for steps in range(1, _FURTHER + 1):
            early = [*later, *range(count, count + _FURTHER)][:steps]
            late = [at for at in range(place, count) if at not in early]
            played = self._trials.played(self._wishes(name, before, early, late))
            if played is None or played.ending == "limit":
                return None
            reached = played.steps[place : place + steps]
            if len(reached) < steps or any(one.name != name for one in reached):
                return None
            if played.ending == "finished":
                ordinal = len(mine) - len(later) + steps - 1
                found = self._least_early(
                    before, early, late, Bound(reached[-1], ordinal, True, place, steps, played)
                )
                return found if self._is_flipped(found) else None
        return None

    def _least_early(self, before: list[int], early: list[int], late: list[int], bound: Bound) -> Bound:
        """Put the steps that go first as late as they may be."""
        for behind, at in enumerate(late, 1):
            wishes = self._wishes(bound.step.name, before, late[:behind], early, late[behind:])
            played = self._trials.passes(wishes)
            if played is None:
                return bound._replace(across=at)
            bound = bound._replace(passes=played)
        return bound

    def _opens(self, mine: list[int], place: int) -> Bound | None:
        """Put the program's last steps behind the stretch, more and more of them."""
        count = len(self._log)
        again = next((at for at in mine if at >= place), count)
        stretch, rest = list(range(place, again)), list(range(again, count))
        earlier = [at for at in mine if at < place]
        for steps in range(1, len(earlier) + 1):
            late = earlier[-steps:]
            before = [at for at in range(place) if at not in late]
            all_late = self._trials.played(self._wishes("", before, stretch, late, rest))
            if all_late is None or all_late.ending == "limit":
                return None
            if all_late.ending != "finished":
                continue
            for behind, at in enumerate(stretch, 1):
                wishes = self._wishes("", before, stretch[:behind], late, stretch[behind:], rest)
                played = self._trials.passes(wishes)
                if played is None:
                    continue
                found = Bound(self._steps[late[0]], len(earlier) - steps, False, at, steps, played)
                if self._is_flipped(found):
                    return found
        return None

    def _is_flipped(self, bound: Bound) -> bool:
        """Say whether the two steps are the other way round in the order that passes: one may have had to wait for the other."""
        moved = bound.passes.place(bound.step.name, bound.ordinal)
        across = bound.passes.place(*self._ordinal(bound.across))
        early, late = (moved, across) if bound.early else (across, moved)
        return early is not None and (late is None or early < late)

    def _ordinal(self, at: int) -> tuple[str, int]:
        """Return whose step it is, and how many of that program's come before it."""
        name = self._log[at][0]
        return name, sum(other == name for other, _ in self._log[:at])
