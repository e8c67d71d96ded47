"""Who is enabled in a state, and with what; where a step leads from state to state, only those whom it concerns are asked.

A program is asked again where its own column has changed, or one that its message touches. What its message comes to
is then a look-up, since most programs wait where they have waited before.
"""

from collections.abc import Sequence
from typing import Any

from actors.explore.sampled.draws import STEP, mixed
from actors.explore.sampled.position import Offer
from actors.explore.tables.histories import History, Node
from actors.explore.tables.steps import Move, Moves, Reach
from actors.explore.tables.tables import Tables
from actors.runtime.life import Spawn
from actors.runtime.values import typed


class TableOffer(Offer):
    """An offer with what it comes to on the tables: the moves, and for each the words of the state's key."""

    __slots__ = ("moves", "node", "words")

    node: Node
    moves: Moves
    words: tuple[tuple[tuple[int, int, int], ...], ...]


def word(column: int, number: int) -> int:
    """Return what a number in a column adds to the key of a state; a state's key is all of them, by xor."""
    return mixed((column << 32) + number + STEP) if number else 0


class Asked:
    """What is known of one node whose message touches certain columns: its offers, by the numbers in these.

    `depends` are the columns to watch. `always` says that it touches these in every state.
    """

    __slots__ = ("always", "depends", "number", "offers", "pick", "when")

    def __init__(self, column: int, node: Node, reach: Reach) -> None:
        self.number = node.number
        self.when = reach.when
        self.pick = reach.pick
        self.always = node.question.way is reach
        self.depends = tuple({column, *node.question.columns})
        self.offers: dict[Any, TableOffer | None] = {}


class Enabled:
    """The enabled programs of one state after another; `row` is the state, and is changed by who walks."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._layout = tables.layout
        self.row: Any = list(self._layout.padded(tables.initial()))
        self._asked: dict[Node, dict[Reach, Asked]] = {}
        self._interned: dict[Any, int] = {}
        # One for each program: its column, its history, and since it was asked: its offer, the columns to watch, and
        # what is known of the node at which it stands. For each column, who watches it.
        self._watchers: list[set[int]] = []
        self._columns: list[int] = []
        self._histories: Sequence[History] = ()
        self._offers: list[TableOffer | None] = []
        self._depends: list[tuple[int, ...]] = []
        self._here: list[Asked | None] = []
        self._width = -1
        self._stale = True

    def stand_at(self, row: tuple[int, ...]) -> None:
        """Go to another state, of which nothing is known."""
        self.row = list(row)
        self._pad()
        self._stale = True

    def all(self, changed: list[int]) -> list[TableOffer]:
        """Return the offers, by creation, required programs first; `changed` are the columns changed since the last call.

        What is not known is asked of the tables, to which columns may be added thereby.
        """
        if self._stale or self._width != self._layout.width:
            self._ask_all()
        else:
            self._renew(changed)
            if self._width != self._layout.width:
                self._ask_all()
        return [offer for offer in self._offers if offer is not None]

    def _ask_all(self) -> None:
        self._stale = False
        while True:
            self._lay_out()
            for place in range(len(self._columns)):
                self._ask(place)
            if self._width == self._layout.width:
                return

    def _lay_out(self) -> None:
        """Take note of what each column is."""
        schedule = self._layout.schedule
        if self._layout.width != self._width:
            self._pad()
            self._width = self._layout.width
            self._columns = [column for column, _ in schedule]
            self._histories = [history for _, history in schedule]
        self._offers = [None] * len(schedule)
        self._depends = [()] * len(schedule)
        self._watchers = [set() for _ in range(self._width)]
        self._here = [None] * len(schedule)

    def _pad(self) -> None:
        self.row.extend([0] * (self._layout.width - len(self.row)))

    def _renew(self, changed: list[int]) -> None:
        """Ask the programs again whose answer may be another one now."""
        row, columns, offers = self.row, self._columns, self._offers
        watchers = self._watchers
        for place in sorted(set().union(*[watchers[column] for column in changed])):
            here = self._here[place]
            if here is None or here.number != row[columns[place]]:
                self._ask(place)
                continue
            for column, number in here.when:
                if row[column] != number:
                    offers[place] = None
                    break
            else:
                key = here.pick(row)
                if key in here.offers:
                    offers[place] = here.offers[key]
                else:
                    self._ask(place)

    def _ask(self, place: int) -> None:
        """Find out whether a program is enabled, wherever it stands."""
        row, column = self.row, self._columns[place]
        number = row[column]
        node = self._histories[place].nodes[number]
        if node is None or node.pending is None:
            self._offers[place] = self._here[place] = None
            self._watch(place, (column,))
            return
        steps = self._tables.steps
        reach = steps.reach(node, row)
        self._pad()
        known = self._asked.get(node)
        if known is None:
            known = self._asked[node] = {}
        asked = known.get(reach)
        if asked is None:
            asked = known[reach] = Asked(column, node, reach)
        key = reach.pick(row)
        if key not in asked.offers:
            asked.offers[key] = self._offer(node, reach, steps.moves(node, tuple(row)))
            self._pad()
        self._offers[place] = asked.offers[key]
        self._here[place] = asked if asked.always else None
        self._watch(place, asked.depends)

    def _watch(self, place: int, columns: tuple[int, ...]) -> None:
        """Ask a program again when one of these columns changes."""
        before = self._depends[place]
        if columns is not before:
            watchers = self._watchers
            for column in before:
                watchers[column].discard(place)
            for column in columns:
                while column >= len(watchers):  # it has been added meanwhile, and all will be asked again
                    watchers.append(set())
                watchers[column].add(place)
            self._depends[place] = columns

    def _offer(self, node: Node, reach: Reach, moves: Moves) -> TableOffer | None:
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
        offer.node, offer.moves = node, moves
        offer.words = tuple(
            tuple((one, number, word(one, number)) for one, number in move.changes) for move in moves
        )
        return offer

    def _number(self, key: Any) -> int:
        """Return a small number for a value, the same for the same."""
        return self._interned.setdefault(key, len(self._interned))


def _told(move: Move) -> tuple[object, ...]:
    return ("retry",) if move.retry else (typed(move.reply),)
