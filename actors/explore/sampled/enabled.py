"""Who is enabled in a state, and with what; where a step leads from state to state, only those whom it concerns are asked.

A program is asked again where its own column has changed, or one that its message touches. What its message comes to
is then a look-up, since most programs wait where they have waited before.
"""

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
        # The columns of the programs in their order. For each column of a program: its history, and since it was
        # asked: its offer, the columns to watch, and what is known of the node at which it stands.
        self._order: tuple[int, ...] = ()
        self._histories: dict[int, History] = {}
        self._offers: dict[int, TableOffer | None] = {}
        self._depends: dict[int, tuple[int, ...]] = {}
        self._here: dict[int, Asked | None] = {}
        self._watchers: list[set[int]] = []  # for each column, the programs that depend on it
        self.changed: list[int] = []
        """Columns that have changed since the offers were asked for; who changes the row adds to them."""
        self._width = -1

    def stand_at(self, row: tuple[int, ...]) -> None:
        """Go to another state."""
        before = self.row
        self._pad()
        self.row = list(self._layout.padded(row))
        self.changed += [
            column for column, (old, new) in enumerate(zip(before, self.row, strict=True)) if old != new
        ]

    def all(self) -> list[TableOffer]:
        """Return the offers, by creation, required programs first.

        What is not known is asked of the tables, to which columns may be added thereby.
        """
        changed, self.changed = self.changed, []
        self._lay_out()
        self._renew(changed)
        while self._width != self._layout.width:
            self._lay_out()
        return list(filter(None, map(self._offers.__getitem__, self._order)))

    def _lay_out(self) -> None:
        """Take note of the columns that have been added, and ask the programs among them."""
        if self._width == self._layout.width:
            return
        self._pad()
        self._width = self._layout.width
        self._order = tuple([column for column, _ in self._layout.schedule])
        self._watchers.extend([set() for _ in range(self._width - len(self._watchers))])
        for column, history in self._layout.schedule:
            if column not in self._histories:
                self._histories[column] = history
                self._depends[column] = ()
                self._ask(column)

    def _pad(self) -> None:
        self.row.extend([0] * (self._layout.width - len(self.row)))

    def _renew(self, changed: list[int]) -> None:
        """Ask the programs again whose answer may be another one now, in their order, if it is not known."""
        row, offers, standing = self.row, self._offers, self._here
        watchers = self._watchers
        unknown = []
        for own in set().union(*[watchers[column] for column in changed]):
            here = standing[own]
            if here is None or here.number != row[own]:
                unknown.append(own)
                continue
            for column, number in here.when:
                if row[column] != number:
                    offers[own] = None
                    break
            else:
                key = here.pick(row)
                if key in here.offers:
                    offers[own] = here.offers[key]
                else:
                    unknown.append(own)
        for own in sorted(unknown):
            self._ask(own)

    def _ask(self, own: int) -> None:
        """Find out whether the program of a column is enabled, wherever it stands."""
        row = self.row
        number = row[own]
        node = self._histories[own].nodes[number]
        if node is None or node.pending is None:
            self._offers[own] = self._here[own] = None
            self._watch(own, (own,))
            return
        steps = self._tables.steps
        reach = steps.reach(node, row)
        self._pad()
        known = self._asked.get(node)
        if known is None:
            known = self._asked[node] = {}
        asked = known.get(reach)
        if asked is None:
            asked = known[reach] = Asked(own, node, reach)
        key = reach.pick(row)
        if key not in asked.offers:
            asked.offers[key] = self._offer(node, reach, steps.moves(node, tuple(row)))
            self._pad()
        self._offers[own] = asked.offers[key]
        self._here[own] = asked if asked.always else None
        self._watch(own, asked.depends)

    def _watch(self, own: int, columns: tuple[int, ...]) -> None:
        """Ask a program again when one of these columns changes."""
        before = self._depends[own]
        if columns is not before:
            watchers = self._watchers
            for column in before:
                watchers[column].discard(own)
            for column in columns:
                while column >= len(watchers):
                    watchers.append(set())
                watchers[column].add(own)
            self._depends[own] = columns

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
