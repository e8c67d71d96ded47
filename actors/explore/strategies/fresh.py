"""Fresh: guided to behaviour that has not been seen, and never to an execution that has been.

Three ideas, each cheap:

* **Places in the code have priorities**, in every third execution, and these last for it: a hundred programs at
  the same line are one. An order such as "nobody stores b before the checker has been there" is then a matter of
  a few lines of code, however many programs there are. In the others each pending step has one, as in POS, or
  all are alike, each step for itself, however many stand at one line: what is rare for one of these is often not
  for another. Where a crowd stood at one line when more programs were offered than ever before, places have
  priorities in three executions of four: the orders within a crowd differ in names alone, and there are so many
  of them that little else would be tried.
* **What is new goes first**, in most executions. A step is new if at this place nothing has yet been answered like
  this; in some of them also if its cells have not yet been written last from there (a reads-from pair never seen).
  In the rest nothing is preferred: what is new at once may be in the way of what is new later. Nor in the first
  execution, where all is new: of two at one line the second would go behind everybody else.
* **What is known to the end is left out.** A state is closed once every way to go on from it has been gone to
  its end; no execution enters a closed one while another way is open. So each execution goes where none has
  been, and a small world is soon gone through entirely.

Steps that nobody else can notice (spawns above all) are taken at once, as their order does not matter. When all
is closed that way, they are tried in other orders too; when every state is closed, there are still orders that
lead to known states on ways not gone: these are run, each once.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Sequence

from actors.explore.sampled.draws import Draws
from actors.explore.sampled.position import Offer, Position
from actors.explore.strategies.closing import NOTHING, UNCLOSABLE, ClosedStates, ClosedWays, Link

_MOST_EVENTS = 300_000

STYLES = ("place", "step", "none", "step", "place", "step")
"""What has a priority in an execution: places in the code, each pending step (as in POS), or nothing."""

STYLES_IN_A_CROWD = ("place", "place", "place", "step")
"""The same where so many programs have been offered at one place in the code."""

_CROWD = 8

EAGER = ("nothing", "nothing", "nothing", "answers", "answers", "answers", "answers", "writers")
"""What counts as new in an execution: nothing, an answer, or also by whom what is read was written."""

_MANY = 64


def _ways(offers: Sequence[Offer]) -> int:
    """Return how many ways there are to go on; beyond a number it doesn't matter, no state like that gets closed."""
    if len(offers) > _MANY:
        return UNCLOSABLE
    return sum([offer.outcomes for offer in offers])


def _crowded(offers: Sequence[Offer]) -> bool:
    """Say whether many programs stand at one place."""
    return max(Counter([offer.where for offer in offers]).values()) >= _CROWD


class Fresh:
    """Priorities by place in the code, new steps first, closed states left out."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._answered: set[Hashable] = set()
        self._seen: set[tuple[Hashable, ...]] = set()
        self._short, self._whole, self._ways = ClosedStates(), ClosedStates(), ClosedWays()
        self._styles: tuple[str, ...] = STYLES
        self._widest = _CROWD - 1
        self.begin(1)

    def begin(self, number: int) -> None:
        """Draw what this execution will prefer."""
        self._draws = Draws(self._seed, number)
        self._short.begin()
        self._whole.begin()
        self._ways.begin()
        self._way = 0
        self._priorities: dict[Hashable, int] = {}
        self._writers: dict[Hashable, Hashable] = {}
        eager = EAGER[self._draws.below(len(EAGER))]
        self._eager = eager if self._answered else "nothing"
        self._style = self._styles[self._draws.below(len(self._styles))]
        self._index = 0

    def program(self, at: Position) -> int:
        """Something open, if possible something new, at the place with the highest priority."""
        offers, state = at.offers, at.state
        if len(offers) > self._widest:
            self._widest = len(offers)
            if _crowded(offers):
                self._styles = STYLES_IN_A_CROWD
        gone = self._gone(state)
        places: Sequence[int] = range(len(offers))
        ways = every = _ways(offers)
        if not self._short.all:
            for place in places:
                if offers[place].local:
                    places, ways = (place,), offers[place].outcomes
                    break
        if gone and len(gone) < ways:
            places = [
                place
                for place in places
                if any((place, index) not in gone for index in range(offers[place].outcomes))
            ]
        place = self._choose(offers, places) if len(places) > 1 else places[0]
        offer = offers[place]
        self._index = index = self._outcome(offer, place, gone) if offer.outcomes > 1 else 0
        link = (place, index)
        self._short.went(state, ways, link)
        self._whole.went(state, every, link)
        self._ways.went(self._way, every, link)
        self._way = hash((self._way, link))
        if not offer.local:
            self._note(offer, index)
        if self._style == "step":
            self._draw_again(offers, offer)
        return place

    def _gone(self, state: Hashable) -> Collection[Link]:
        """Return the ways that are closed from here, in the narrowest sense in which some are still open."""
        if not self._short.all:
            return self._short.links.get(state, NOTHING)
        if not self._whole.all:
            return self._whole.links.get(state, NOTHING)
        return self._ways.links.get(self._way, NOTHING)

    def _draw_again(self, offers: Sequence[Offer], chosen: Offer) -> None:
        """Forget the priorities of a step and of those that raced with it."""
        writes, touched = set(chosen.writes), {*chosen.reads, *chosen.writes}
        priorities = self._priorities
        raced: dict[Hashable, bool] = {}  # one of each kind is looked at
        for offer in offers:
            races = raced.get(offer.kind)
            if races is None:
                races = not (touched.isdisjoint(offer.writes) and writes.isdisjoint(offer.reads))
                raced[offer.kind] = races
            if races:
                priorities.pop(offer.program, None)
        priorities.pop(chosen.program, None)

    def _choose(self, offers: Sequence[Offer], places: Sequence[int]) -> int:
        """Choose among several places: new ones first, then by priority; of those that are alike in that, any."""
        if self._eager != "nothing":
            places = self._new_ones(offers, places) or places
        if self._style == "none":
            return places[self._draws.below(len(places))]
        best: list[int] = []
        highest = -1
        priorities, by_place = self._priorities, self._style == "place"
        for place in places:
            offer = offers[place]
            key = offer.where if by_place else offer.program
            priority = priorities.get(key)
            if priority is None:
                priority = priorities[key] = self._draws.bits()
            if priority > highest:
                best, highest = [place], priority
            elif priority == highest:
                best.append(place)
        return best[self._draws.below(len(best))] if len(best) > 1 else best[0]

    def _new_ones(self, offers: Sequence[Offer], places: Sequence[int]) -> list[int]:
        """Return the places of steps that are new; one of each kind is looked at."""
        kinds: dict[Hashable, bool] = {}
        found = []
        for place in places:
            kind = offers[place].kind
            new = kinds.get(kind)
            if new is None:
                new = kinds[kind] = self._new(offers[place])
            if new:
                found.append(place)
        return found

    def _new(self, offer: Offer) -> bool:
        """Say whether some outcome of a step has not been seen."""
        if self._eager == "answers":
            return any(answer not in self._answered for answer in offer.answers)
        writers = self._writers
        read = tuple([writers.get(cell) for cell in offer.reads])
        return any((answer, *read) not in self._seen for answer in offer.answers)

    def _outcome(self, offer: Offer, place: int, gone: Collection[Link]) -> int:
        indices = [index for index in range(offer.outcomes) if (place, index) not in gone]
        indices = indices or list(range(offer.outcomes))
        return indices[self._draws.below(len(indices))]

    def _note(self, offer: Offer, index: int) -> None:
        """Take note of what a step read, and who has now written last."""
        writers = self._writers
        if len(self._seen) < _MOST_EVENTS:
            self._answered.add(offer.answers[index])
            self._seen.add((offer.answers[index], *[writers.get(cell) for cell in offer.reads]))
        for cell in offer.writes:
            writers[cell] = offer.where

    def outcome(self, at: Position, offer: Offer) -> int:
        """Return what was chosen together with the program."""
        del at, offer
        return self._index

    def ended(self, at: Position) -> None:
        """Close what is known now."""
        if not at.offers:  # else the limit ended it, and nothing is known of what follows
            self._short.ended()
            self._whole.ended()
            self._ways.ended()
