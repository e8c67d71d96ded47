"""URW, uniform random walk over executions: each order of steps, with each outcome, is as likely as any other.

Where all states are known and no execution goes in circles, the executions behind each way to go on are
counted, and a way is chosen as often as there are executions behind it: exactly uniform.

Elsewhere it is an estimate, as in selectively uniform concurrency testing (Zhao, Wang, Gu, Wang, Xu, ASPLOS
2025): of independent programs with r1, r2, ... steps left, there are (r1+r2+...)! / (r1! r2! ...) orders, and
taking a step of a program in proportion to what it has left draws among them uniformly. How many steps a program
has is the mean of the executions so far; a program that has not been spawned yet counts with its parent.
`note` says which of the two it was.
"""

from collections.abc import Hashable

from actors.explore.sampled.counting import Counts
from actors.explore.sampled.draws import Draws
from actors.explore.sampled.position import Offer, Position


class Urw:
    """Uniform over executions: exactly if there are `counts`, else about."""

    def __init__(self, seed: int, counts: Counts | str = "there is no table of states") -> None:
        self._seed = seed
        self.counts = counts if isinstance(counts, Counts) else None
        self.note = (
            f"urw: uniform over all {counts.total:,} executions, counted"
            if isinstance(counts, Counts)
            else f"urw: about uniform, by the steps that programs have left ({counts})"
        )
        self._steps: dict[Hashable, tuple[int, int]] = {}
        self.begin(1)

    def begin(self, number: int) -> None:
        """Draw the execution, if they are counted."""
        self._draws = Draws(self._seed, number)
        self._taken: dict[Hashable, int] = {}
        self._index = -1
        self._rank = self._draws.wide_below(self.counts.total) if self.counts is not None else 0

    def program(self, at: Position) -> int:
        """The way behind which the drawn execution lies; or any, by what is left."""
        behind = self.counts.behind(at.state) if self.counts is not None else None  # type: ignore[arg-type]  # there are counts on tables alone
        if behind is None:
            return self._estimated(at)
        for place, outcomes in enumerate(behind):
            for index, executions in enumerate(outcomes):
                if self._rank < executions:
                    self._index = index
                    return place
                self._rank -= executions
        raise AssertionError("no execution of that rank: the counts are of another state")

    def outcome(self, at: Position, offer: Offer) -> int:
        """The one that was drawn with the program, or any."""
        del at
        return self._index if self._index >= 0 else self._draws.below(offer.outcomes)

    def _estimated(self, at: Position) -> int:
        weights = [self._left(offer.program) for offer in at.offers]
        drawn = self._draws.below(sum(weights))
        place = 0
        while drawn >= weights[place]:
            drawn -= weights[place]
            place += 1
        program = at.offers[place].program
        self._taken[program] = self._taken.get(program, 0) + 1
        return place

    def _left(self, program: Hashable) -> int:
        steps, executions = self._steps.get(program, (0, 0))
        mean = -(-steps // executions) if executions else 1
        return max(mean - self._taken.get(program, 0), 1)

    def ended(self, at: Position) -> None:
        """Learn how many steps programs have."""
        del at
        for program, taken in self._taken.items():
            steps, executions = self._steps.get(program, (0, 0))
            self._steps[program] = (steps + taken, executions + 1)
