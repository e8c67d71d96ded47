"""The step table: what each program's next message comes to, on each combination of values that it touches.

A step is remembered as *(node, values of its footprint) -> moves*, each move being the changes of the row: new
values of cells, the program's next node, a child. After its first meeting a step is a look-up on small
integers: no coroutine, no message, no copy of a value.

A message that waits at a gate that is shut comes to nothing, and its device is not asked (see `passages`).

What a device answers depends on the message, not on how the program came to send it; so the answers are kept
by question (sender, device, message), and shared by all nodes that ask it.
"""

from operator import itemgetter
from typing import Any, Final

from actors.explore.tables.histories import Node
from actors.explore.tables.layout import Layout, Row, View, named_twice
from actors.explore.tables.passages import Fork, Passage
from actors.runtime.device import Device, Outcome, Retry
from actors.runtime.errors import ModelError
from actors.runtime.evaluation import (
    Raised,
    Touched,
    evaluate,
    evaluates_alike,
    in_two_ways,
    touched_by,
    touches_alike,
    written_outside,
)
from actors.runtime.life import Spawn, child_key
from actors.runtime.program import Send
from actors.runtime.values import check_program, check_value, typed
from actors.runtime.watchdog import WATCHDOG, Stuck
from protocol.handles import Cell


class Move:
    """One outcome of a step: `changes` are (column, number) of the row, `node` is where the program then stands.

    `failed` says that the program, or its child, has then ended badly.
    """

    __slots__ = ("changes", "child", "failed", "label", "node", "reply", "retry")

    def __init__(self, label: str, node: Node, changes: tuple[tuple[int, int], ...], reply: Any) -> None:
        self.label = label
        self.node = node
        self.changes = changes
        self.reply = reply
        self.retry = False
        self.failed = False
        self.child: Node | None = None

    @property
    def ends(self) -> bool:
        """Whether a program has ended by it: the one that moved, or its child before its first message."""
        return self.node.pending is None or (self.child is not None and self.child.pending is None)


Moves = tuple[Move, ...]
NOTHING: Final[Moves] = ()


class Reach:
    """What handling a message touches, as columns: `pick` takes their numbers out of a row.

    `when` are the numbers that some of the columns hold while the message can be enabled.
    """

    __slots__ = ("actor", "answers", "columns", "pick", "touched", "when", "writes")

    def __init__(self, touched: Touched, layout: Layout) -> None:
        self.touched = touched
        self.actor = touched.footprint.actor
        # What a spawn writes is not there yet; that it is not is what the step depends on.
        seen = touched.seen or touched.footprint.writes
        self.columns = tuple(layout.cell(cell) for cell in seen)
        self.writes = tuple(layout.cell(cell) for cell in touched.footprint.writes)
        self.when = tuple(layout.number(cell, value) for cell, value in touched.footprint.when)
        self.pick: Any = itemgetter(*self.columns) if self.columns else _nothing
        self.answers: dict[Any, tuple[Outcome, ...]] = {}


def _nothing(_: Row) -> int:
    return 0


class Question:
    """One message from one sender to one device, and the passage where it waits, if it does."""

    __slots__ = ("columns", "passage", "way")

    def __init__(self, passage: Passage | None) -> None:
        self.passage = passage
        self.way: Fork | Reach | None = None
        self.columns: tuple[int, ...] = ()
        if passage is not None:
            passage.waiting.append(self)
            self.columns = passage.columns

    def depends_on(self, columns: tuple[int, ...]) -> None:
        """Take note that what the message comes to depends on these columns, in some state."""
        if not set(columns) <= set(self.columns):
            self.columns = tuple(dict.fromkeys((*self.columns, *columns)))

    def reach(self, row: Row) -> Reach | None:
        """Return what the message touches in this state, if that is known."""
        way = self.way
        while isinstance(way, Fork):
            way = way.ways.get(row[way.column])
        return way


class Steps:
    """The step table of one world."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._questions: dict[object, Question] = {}
        self._passages: dict[object, Passage] = {}
        self._stretch = WATCHDOG.stretch
        self.size = 0

    def reach(self, node: Node, row: Row) -> Reach:
        """Return what a node's message touches in this state."""
        question = node.question
        if question is None:
            question = node.question = self._question(node)
        found: Reach | None = question.reach(row)
        return found if found is not None else self._ask_footprint(question, node, row)

    def moves(self, node: Node, row: Row) -> Moves:
        """Return what a node's message comes to in this state; nothing if it is not enabled."""
        passage = self.passage(node)
        if passage is not None and not self.is_open(passage, node, row):
            return NOTHING
        reach = self.reach(node, row)
        if len(row) != self._layout.width:  # a spawn has been met
            row = self._layout.padded(row)
        for column, number in reach.when:
            if row[column] != number:
                return NOTHING
        table = node.moves.get(reach)
        if table is None:
            table = node.moves[reach] = {}
        key = reach.pick(row)
        known: Moves | None = table.get(key)
        if known is None:
            known = table[key] = self._learn(node, row, reach, key)
            self.size += 1
        return known

    def known(self, node: Node, row: Row) -> Moves:
        """Return what a node's message is known to come to in this state, without asking anybody."""
        question: Question | None = node.question
        if question is None or (question.passage is not None and not question.passage.is_open(row)):
            return NOTHING
        reach = question.reach(row)
        if reach is None or any(row[column] != number for column, number in reach.when):
            return NOTHING
        found: Moves = node.moves.get(reach, {}).get(reach.pick(row), NOTHING)
        return found

    @staticmethod
    def columns(node: Node) -> tuple[int, ...]:
        """Return the columns that decide what a node's message comes to, in the states met so far."""
        columns: tuple[int, ...] = node.question.columns
        return columns

    def passage(self, node: Node) -> Passage | None:
        """Return the passage where a node's message waits, if it waits at any."""
        question: Question | None = node.question
        if question is None:
            question = node.question = self._question(node)
        return question.passage

    def is_open(self, passage: Passage, node: Node, row: Row) -> bool:
        """Say whether a passage is open in this state."""
        found = passage.is_open(row)
        return found if found is not None else self._ask_gate(passage, node, row)

    def _ask_gate(self, passage: Passage, node: Node, row: Row) -> bool:
        view, asked, cell_of = View(self._layout, row), [], self._layout.cell

        def read(cell: Cell) -> Any:
            asked.append(cell)
            return view[cell]

        self._stretch.enter()
        try:
            found = bool(passage.gate.is_open(read))
        except ModelError:
            raise
        except (Exception, Stuck):  # noqa: BLE001  # its device is asked, and will say what is wrong
            found = True
        finally:
            self._stretch.leave()
        if not passage.learn(tuple(map(cell_of, dict.fromkeys(asked))), row, is_open=found):
            raise in_two_ways(node)
        return found

    def _question(self, node: Node) -> Question:
        request = node.pending
        assert request is not None
        node.moves = {}
        key = (request.to, typed(request.to), node.handle, typed(request.message))
        known = self._questions.get(key)
        if known is None:
            known = self._questions[key] = Question(self._passage(node, request))
        return known

    def _passage(self, node: Node, request: Send) -> Passage | None:
        if not isinstance(request.to, Device):
            return None  # which is complained about when it is asked
        gate = request.to.gate(node.handle, request.message)
        if gate is None:
            return None
        return self._passages.setdefault(typed(gate), Passage(gate))

    def _ask_footprint(self, question: Question, node: Node, row: Row) -> Reach:
        view = View(self._layout, row)
        self._stretch.enter()
        try:
            touched = touched_by(view, node)
            alike = touches_alike(view, node, touched)
        finally:
            self._stretch.leave()
        if not alike:
            raise in_two_ways(node)
        reach = Reach(touched, self._layout)
        columns = tuple(self._layout.cell(cell) for cell in touched.asked)
        question.depends_on((*columns, *reach.columns))
        if touched.raised is not None:
            return reach
        if not touched.asked:
            question.way = reach
            return reach
        fork = question.way = question.way or Fork(columns[0])
        for column, after in zip(columns, (*columns[1:], None), strict=True):
            if not isinstance(fork, Fork) or fork.column != column:
                raise in_two_ways(node)
            fork = fork.ways.setdefault(row[column], reach if after is None else Fork(after))
        return reach

    def _learn(self, node: Node, row: Row, reach: Reach, key: Any) -> Moves:
        outcomes = reach.answers.get(key)
        if outcomes is None:
            outcomes = reach.answers[key] = self._ask(node, row, reach)
        return tuple(self._move(node, row, outcome) for outcome in outcomes)

    def _ask(self, node: Node, row: Row, reach: Reach) -> tuple[Outcome, ...]:
        """Ask the device twice, since this answer will stand for all that come."""
        touched = reach.touched
        cells = {
            cell: self._layout.held(row, at) for cell, at in zip(touched.seen, reach.columns, strict=False)
        }
        self._stretch.enter()
        try:
            outcomes = evaluate(cells, node, touched)
            alike = evaluates_alike(cells, node, touched, outcomes)
        finally:
            self._stretch.leave()
        if not alike:
            raise in_two_ways(node)
        for outcome in outcomes:
            for cell, value in outcome.writes:
                if cell not in reach.touched.footprint.writes:
                    raise written_outside(node, cell)
                check_value(value, f"{node.where()}: value of cell {cell.name}")
            if not isinstance(outcome.reply, Retry | Raised):
                check_value(outcome.reply, f"{node.where()}: reply to {node.name}")
        return outcomes

    def _move(self, node: Node, row: Row, outcome: Outcome) -> Move:
        layout, reply = self._layout, outcome.reply
        own = layout.programs[node.name, node.history.background]
        if isinstance(reply, Raised):
            after = node.history.failed(node, reply.error)
            move = Move(f"raised {type(reply.error).__name__}", after, ((own, after.number),), None)
            move.failed = True
            return move
        changes = dict(layout.number(cell, value) for cell, value in outcome.writes)
        if isinstance(reply, Retry):
            move = Move(outcome.label, node, tuple(changes.items()), reply)
            move.retry = node.retried = True
            return move
        after = node.history.after(node, reply)
        move = Move(outcome.label, after, (), reply)
        changes[own] = after.number
        self._ended(after, changes, move)
        assert node.pending is not None
        if type(node.pending.message) is Spawn:
            move.child = self._child(node, row, node.pending.message, changes)
            self._ended(move.child, changes, move)
        move.changes = tuple((column, number) for column, number in changes.items())
        return move

    def _ended(self, node: Node, changes: dict[int, int], move: Move) -> None:
        if node.failure is not None:
            move.failed = True
        elif node.pending is None:
            column, number = self._layout.number(node.handle.life, False)
            changes[column] = number

    def _child(self, node: Node, row: Row, message: Spawn, changes: dict[int, int]) -> Node:
        """Start a spawned program; see `Execution.spawned`, which does the same."""
        name, where = message.child.name, node.where()
        if self._layout.there(row, name):
            raise named_twice(where, name)
        try:
            check_value(message.function, f"program that {node.name} spawns")
            check_program(message.function, message.args, name)
        except ModelError as error:
            raise type(error)(f"{where}: {error}") from None
        key = child_key(node.history.key, node.name, message)
        column = self._layout.program(message.child, key)
        start = self._layout.histories[column].start(message.function, message.args)
        changes[column] = start.number
        return start
