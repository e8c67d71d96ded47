"""One execution after another on the step tables; what a step does not touch is not looked at again.

The state is a row that changes: a step costs what it touches, however large the world is. States that have been
met are kept while there is room, with the ways between them; following one of these costs a look-up.
"""

from actors.explore.sampled.enabled import Enabled, TableOffer, word
from actors.explore.sampled.position import Strategy
from actors.explore.stopping import Stop, StopRequest
from actors.explore.tables.histories import History
from actors.explore.tables.judging import Judged
from actors.explore.tables.steps import Move
from actors.explore.tables.tables import Tables
from actors.runtime.endings import names_of
from actors.runtime.execution import Ending
from protocol.records import Failure

LIMIT = 400_000
"""Program states and steps kept in the tables; a world that has more is stepped without them."""

_LOOK_EVERY = 64
_ROOM = 4_000_000  # numbers in the rows of states that are kept


class Full(Exception):  # not an error: the caller goes on without tables
    """The tables have grown beyond their limit."""


def key_of(row: tuple[int, ...]) -> int:
    """Return the key of a row: 64 bits."""
    key = 0
    for column, number in enumerate(row):
        key ^= word(column, number)
    return key


class Standing:
    """A state that has been met: the programs that are enabled in it, how it stands, and what follows each way."""

    __slots__ = ("ending", "key", "met", "next", "offers", "row", "violated")

    def __init__(
        self,
        row: tuple[int, ...],
        key: int,
        offers: list[TableOffer],
        ending: Ending | None,
        violated: tuple[str, ...],
        met: frozenset[str],
    ) -> None:
        self.row = row
        self.key = key
        self.offers = offers
        self.ending = ending
        self.violated = violated
        self.met = met
        self.next: dict[tuple[int, int], Standing] = {}


class Rows:
    """Executions of one world, one at a time; a Position while one is under way."""

    def __init__(self, tables: Tables, limit: int = LIMIT) -> None:
        self.tables = tables
        self.limit = limit
        self.steps = 0
        self.choices: list[int] = []
        self.path: list[tuple[TableOffer, Move]] = []
        self.met: set[str] = set()
        self.ending: Ending | None = None
        self._layout = tables.layout
        self._width = -1
        self._room = _ROOM
        self._standings: dict[int, Standing] = {}
        self._enabled = Enabled(tables)
        self._required: dict[int, History] = {}
        self._watched: dict[int, list[int]] = {}
        self._judged: list[Judged] = []
        self._current: Standing | None = None  # the state that `_enabled` stands at, where that is of use
        self._at = self._first = self._begin()

    # How it stands.

    @property
    def state(self) -> int:
        """The key of the state."""
        return self._at.key

    @property
    def row(self) -> tuple[int, ...]:
        """The numbers of the state."""
        return self._at.row

    @property
    def offers(self) -> list[TableOffer]:
        """The programs that are enabled."""
        return self._at.offers

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of what is violated where it stands."""
        return self._at.violated

    def labelled(self, program: str, label: str) -> bool:
        """Say whether a label of a program is set."""
        row = self._at.row
        for background in (False, True):
            column = self._layout.programs.get((program, background))
            if column is not None and column < len(row):
                node = self._layout.histories[column].nodes[row[column]]
                if node is not None and node.labels.get(label):
                    return True
        return False

    # How it runs.

    def run(self, strategy: Strategy, limit: int, stop: StopRequest) -> Ending:
        """Run one execution to its end, or for at most `limit` steps.

        Raises Stop if somebody asks to, and Full where the tables grow beyond their limit.
        """
        program, outcome = strategy.program, strategy.outcome
        self.steps = step = 0
        last = ""
        self.choices, self.path = choices, path = [], []
        self._at = at = self._first
        self.met = met = set(at.met)
        ending = at.ending
        while ending is None:
            if step >= limit:
                ending = "limit"
                break
            if step % _LOOK_EVERY == 0:
                self._look(stop)
            offers = at.offers
            place = program(self)
            offer = offers[place]
            choices.append(_counted(offers, place, last))
            index = 0
            if offer.outcomes > 1:
                index = outcome(self, offer)
                choices.append(index)
            path.append((offer, offer.moves[index]))
            self.steps = step = step + 1
            last = offer.program
            self._at = at = at.next.get((place, index)) or self._follow(at, place, index)
            if at.met:
                met |= at.met
            ending = at.ending
        self.ending = ending
        strategy.ended(self)
        return ending

    def _look(self, stop: StopRequest) -> None:
        if stop():
            raise Stop
        size = self.tables.steps.size
        if size + sum(len(history.nodes) for _, history in self._layout.schedule) > self.limit:
            raise Full

    def _follow(self, at: Standing, place: int, index: int) -> Standing:
        """Work out the state behind a way that nobody has gone from here."""
        offer = at.offers[place]
        move = offer.moves[index]
        enabled = self._enabled
        if self._current is not at:
            enabled.stand_at(at.row)
        if self._width != self._layout.width:
            self._lay_out()
        self._current = None
        row, key = enabled.row, at.key
        changed = []
        for column, number, one in offer.words[index]:
            old = row[column]
            if old != number:
                key ^= one ^ word(column, old)
                row[column] = number
                changed.append(column)
        enabled.changed += changed
        known = self._standings.get(key)
        if known is None:
            known = self._arrive(changed, key, at, failed=move.failed)
        if self._room > 0:
            at.next[place, index] = known
        return known

    def _arrive(self, changed: list[int], key: int, before: Standing, *, failed: bool) -> Standing:
        """Look at what has changed in a state that is new."""
        broken, met = self._judge(changed, before.met)
        violated = names_of(broken, self._failures() if failed else [])
        ending: Ending | None = "violated" if violated else None
        if ending is None and self._required_end(changed):
            ending = "finished"
        offers: list[TableOffer] = []
        if ending is None:
            offers = self._enabled.all()
            if not offers:
                ending, violated = "violated", ("deadlock",)
        made = Standing(tuple(self._enabled.row), key, offers, ending, violated, met)
        if self._room > 0:
            self._room -= len(made.row)
            self._standings[key] = made
        self._current = made
        return made

    def _failures(self) -> list[Failure]:
        """Return how programs have failed."""
        return [node.failure for node in self.tables.failures(self._enabled.row) if node.failure]

    def _judge(self, changed: list[int], before: frozenset[str]) -> tuple[list[str], frozenset[str]]:
        """Decide the conditions that look at what has changed; return those broken, and all that are met."""
        broken: list[str] = []
        met: list[str] = []
        watched = self._watched
        places = {place for column in changed for place in watched.get(column, ())}
        if not places:
            return broken, before
        for place in sorted(places):
            one = self._judged[place]
            if self.tables.judge.holds(one, self._enabled.row) == one.sometimes:
                (met if one.sometimes else broken).append(one.name)
        if before:
            met.extend(before.difference(self._judged[place].name for place in places))
        return broken, frozenset(met)

    def _required_end(self, changed: list[int]) -> bool:
        """Say whether no required program is left; only a step that changes a required one can do that."""
        if not any(column in self._required for column in changed):
            return False
        row = self._enabled.row
        for column, history in self._required.items():
            node = history.nodes[row[column]]
            if node is not None and node.pending is not None:
                return False
        return True

    # Beginnings, and columns that are added on the way.

    def _begin(self) -> Standing:
        """Work out the first state."""
        self._lay_out()
        row = tuple(self._enabled.row)
        broken, met = self.tables.judge.judged(row)
        violated = names_of(broken, self._failures())
        ending: Ending | None = "violated" if violated else "finished" if self.tables.finished(row) else None
        offers: list[TableOffer] = []
        if ending is None:
            offers = self._enabled.all()
            if not offers:
                ending, violated = "violated", ("deadlock",)
        row = tuple(self._enabled.row)
        first = self._standings[key_of(row)] = Standing(row, key_of(row), offers, ending, violated, met)
        return first

    def _lay_out(self) -> None:
        """Take note of what each column is."""
        layout = self._layout
        self._width = layout.width
        self._required = {column: history for column, history in layout.schedule if not history.background}
        self._judged = self.tables.judge.conditions()
        self._watched = {}
        for place, one in enumerate(self._judged):
            for column in one.columns:
                self._watched.setdefault(column, []).append(place)


def _counted(offers: list[TableOffer], place: int, last: str) -> int:
    """Return a place as a choice, as `actors.runtime.schedule` counts: whoever took the last step comes first."""
    for first, one in enumerate(offers):
        if one.program == last:
            return 0 if place == first else place + 1 if place < first else place
    return place
