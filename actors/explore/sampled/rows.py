"""One execution after another on the step tables; what a step does not touch is not looked at again.

`tables.graph` keeps whole states, which is best where there are few. Here only one state is kept, and changed:
a step costs what it touches, however large the world is, and nothing is remembered but the tables themselves.
"""

from typing import Any

from actors.explore.sampled.draws import STEP, mixed
from actors.explore.sampled.position import Offer, Strategy
from actors.explore.stopping import Stop, StopRequest
from actors.explore.tables.histories import Node
from actors.explore.tables.steps import Move, Moves, Reach
from actors.explore.tables.tables import Tables
from actors.runtime.endings import names_of
from actors.runtime.execution import Ending
from actors.runtime.life import Spawn
from actors.runtime.values import typed

LIMIT = 400_000
"""Program states and steps kept in the tables; a world that has more is stepped without them."""

_LOOK_EVERY = 64


class Full(Exception):  # noqa: N818  # not an error: the caller goes on without tables
    """The tables have grown beyond their limit."""


class TableOffer(Offer):
    """An offer with what it comes to on the tables: the moves, and for each the words of the state's key."""

    __slots__ = ("column", "moves", "node", "words")

    column: int
    node: Node
    moves: Moves
    words: tuple[tuple[tuple[int, int, int], ...], ...]


def word(column: int, number: int) -> int:
    """Return what a number in a column adds to the key of a state; a state's key is all of them, by xor."""
    return mixed((column << 32) + number + STEP) if number else 0


def key_of(row: tuple[int, ...]) -> int:
    """Return the key of a row: 64 bits."""
    key = 0
    for column, number in enumerate(row):
        key ^= word(column, number)
    return key


class Rows:
    """Executions of one world, one at a time; a Position while one is under way."""

    def __init__(self, tables: Tables, limit: int = LIMIT) -> None:
        self.tables = tables
        self.limit = limit
        self._layout = tables.layout
        self._offered: dict[Node, dict[Reach, dict[Any, TableOffer | None]]] = {}
        self._interned: dict[Any, int] = {}
        self._width = self._started = -1
        self._programs = 0
        self.row: Any = []  # a Row that changes
        self.choices: list[int] = []
        self.path: list[tuple[TableOffer, Move]] = []
        self.met: set[str] = set()
        self._reset()

    # How it stands.

    @property
    def state(self) -> int:
        """The key of the state."""
        return self._key

    def labelled(self, program: str, label: str) -> bool:
        """Say whether a label of a program is set."""
        for background in (False, True):
            column = self._layout.programs.get((program, background))
            node = self._layout.histories[column].nodes[self.row[column]] if column is not None else None
            if node is not None and node.labels.get(label):
                return True
        return False

    # How it runs.

    def run(self, strategy: Strategy, limit: int, stop: StopRequest) -> Ending:
        """Run one execution to its end, or for at most `limit` steps.

        Raises Stop if somebody asks to, and Full where the tables grow beyond their limit.
        """
        self._reset()
        program, outcome = strategy.program, strategy.outcome
        while self.ending is None:
            if self.steps >= limit:
                self.ending = "limit"
                break
            if self.steps % _LOOK_EVERY == 0:
                self._look(stop)
            self.offers = offers = [offer for offer in self._slots if offer is not None]
            if not offers:
                self.ending, self.violated = "violated", ("deadlock",)
                break
            place = program(self)
            offer = offers[place]
            index = outcome(self, offer) if offer.outcomes > 1 else 0
            self._choose(offers, place, index)
            self._take(offer, index)
        self.offers = []
        strategy.ended(self)
        return self.ending

    def _look(self, stop: StopRequest) -> None:
        if stop():
            raise Stop
        size = self.tables.steps.size
        if size + sum(len(history.nodes) for _, history in self._layout.schedule) > self.limit:
            raise Full

    def _choose(self, offers: list[TableOffer], place: int, index: int) -> None:
        """Write the choices down as `actors.runtime.schedule` counts them: whoever took the last step comes first."""
        choices, last = self.choices, self._last
        choice = place
        if last >= 0:
            for first, one in enumerate(offers):
                if one.column == last:
                    choice = 0 if place == first else place + 1 if place < first else place
                    break
        choices.append(choice)
        if offers[place].outcomes > 1:
            choices.append(index)

    def _take(self, offer: TableOffer, index: int) -> None:
        """Change the state by one step, and look at what that touches."""
        move = offer.moves[index]
        self.path.append((offer, move))
        self.steps += 1
        self._last = offer.column
        if self._layout.width != self._width:
            self._widen()
        row, key = self.row, self._key
        changed = []
        for column, number, one in offer.words[index]:
            old = row[column]
            if old != number:
                key ^= one ^ word(column, old)
                row[column] = number
                changed.append(column)
        self._key = key
        self._judge(changed, failed=move.failed)
        if self.ending is None:
            self._renew(changed)

    def _renew(self, changed: list[int]) -> None:
        """Ask the programs again whose answer may be another one now."""
        columns, row = self._columns, self.row
        if len(changed) == 1:
            (one,) = changed
            for place, depends in enumerate(self._depends):
                if one in depends:
                    self._ask(place, columns[place], row)
        elif changed:
            for place, depends in enumerate(self._depends):
                if not depends.isdisjoint(changed):
                    self._ask(place, columns[place], row)

    def _ask(self, place: int, column: int, row: Any) -> None:
        node = self._histories[place].nodes[row[column]]
        if node is None or node.pending is None:
            self._slots[place] = None
            self._depends[place] = {column}
            return
        question = node.question
        reach = question.reach(row) if question is not None else None
        if reach is not None:
            key = reach.pick(row)
            known = self._offered.get(node)
            if known is not None:
                offers = known.get(reach)
                if offers is not None and key in offers:
                    self._slots[place] = offers[key]
                    self._depends[place] = offers[None]
                    return
        self._learn(place, column, node)

    def _learn(self, place: int, column: int, node: Node) -> None:
        moves = self.tables.steps.moves(node, self._layout.padded(tuple(self.row)))
        self._pad()
        row = tuple(self.row)
        reach = self.tables.steps.reach(node, row)
        offers = self._offered.setdefault(node, {}).setdefault(reach, {})
        depends: Any = {column, *node.question.columns}
        offers[None] = depends
        offers[reach.pick(row)] = self._slots[place] = self._offer(column, node, reach, moves)
        self._depends[place] = depends

    def _offer(self, column: int, node: Node, reach: Reach, moves: Moves) -> TableOffer | None:
        if not moves:
            return None
        assert node.pending is not None
        cells = self._layout.cells
        reads = tuple(cells[cell] for cell in reach.touched.footprint.reads)
        where = self._number((node.lines, type(node.pending.message)))
        answers = tuple(self._number((where, move.label, *_told(move))) for move in moves)
        offer = TableOffer(
            node.name,
            len(moves),
            where,
            reads,
            reach.writes,
            local=type(node.pending.message) is Spawn or not reach.columns,
            kind=self._number((where, reads, reach.writes, answers)),
            answers=answers,
        )
        offer.column, offer.node, offer.moves = column, node, moves
        offer.words = tuple(
            tuple((one, number, word(one, number)) for one, number in move.changes) for move in moves
        )
        return offer

    def _number(self, key: Any) -> int:
        """Return a small number for a value, the same for the same."""
        return self._interned.setdefault(key, len(self._interned))

    # Conditions.

    def _judge(self, changed: list[int], *, failed: bool) -> None:
        broken: list[str] = []
        watched = self._watched
        places = {place for column in changed for place in watched.get(column, ())}
        if places:
            judge, judged = self.tables.judge, self._judged
            for place in sorted(places):
                one = judged[place]
                if one.sometimes and one.name in self.met:
                    continue
                if judge.holds(one, self.row) == one.sometimes:
                    (self.met.add if one.sometimes else broken.append)(one.name)
        failures = []
        if failed:
            failures = [node.failure for node in self.tables.failures(self.row) if node.failure]
        if broken or failures:
            self.ending, self.violated = "violated", names_of(broken, failures)
        elif self._required_end(changed):
            self.ending = "finished"

    def _required_end(self, changed: list[int]) -> bool:
        """Say whether no required program is left; only a step that changes a required one can do that."""
        if not any(column in self._required for column in changed):
            return False
        for place in self._required.values():
            node = self._histories[place].nodes[self.row[self._columns[place]]]
            if node is not None and node.pending is not None:
                return False
        return True

    # Beginnings, and columns that are added on the way.

    def _reset(self) -> None:
        self.steps = 0
        self._last = -1
        self.choices, self.path = [], []
        self.met = set()
        self.violated: tuple[str, ...] = ()
        self.ending: Ending | None = None
        self.offers: list[TableOffer] = []
        if self._layout.width != self._started:
            self._first()
        row, slots, depends, key, met, ending, violated = self._start
        self.row, self._slots, self._depends = row.copy(), slots.copy(), depends.copy()
        self._key = key
        self.met |= met
        self.ending, self.violated = ending, violated

    def _first(self) -> None:
        """Work out the first state."""
        tables = self.tables
        row = list(self._layout.padded(tables.initial()))
        self.row = row
        self._lay_out()
        broken, met = tables.judge.judged(tuple(row))
        violated = names_of(broken, [node.failure for node in tables.failures(tuple(row)) if node.failure])
        ending: Ending | None = (
            "violated" if violated else "finished" if tables.finished(tuple(row)) else None
        )
        if ending is None:
            self._ask_all()
        self._start = (
            self.row.copy(), self._slots, self._depends, key_of(tuple(self.row)), met, ending, violated,
        )  # fmt: skip
        self._started = self._width

    def _lay_out(self) -> None:
        layout = self._layout
        self._width, self._programs = layout.width, len(layout.schedule)
        self._columns = [column for column, _ in layout.schedule]
        self._histories = [history for _, history in layout.schedule]
        self._required = {
            column: place for place, (column, history) in enumerate(layout.schedule) if not history.background
        }
        self._judged = self.tables.judge.conditions()
        self._watched: dict[int, list[int]] = {}
        for place, one in enumerate(self._judged):
            for column in one.columns:
                self._watched.setdefault(column, []).append(place)
        self._slots: list[TableOffer | None] = [None] * self._programs
        self._depends: list[set[int]] = [set() for _ in self._columns]

    def _widen(self) -> None:
        """Make room for the columns that have been added; everybody is asked again."""
        self._pad()
        self._lay_out()
        self._ask_all()

    def _pad(self) -> None:
        self.row.extend([0] * (self._layout.width - len(self.row)))

    def _ask_all(self) -> None:
        while True:
            for place, column in enumerate(self._columns):
                self._ask(place, column, self.row)
            if self._layout.width == self._width and len(self._layout.schedule) == self._programs:
                return
            self._pad()
            self._lay_out()


def _told(move: Move) -> tuple[object, ...]:
    return ("retry",) if move.retry else (typed(move.reply),)
