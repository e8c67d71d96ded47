"""States that have been met, linked by the moves between them, so that walking there again costs nothing.

A small world is soon known entirely; then a step of a walk is following a link. A large one is not worth
keeping: beyond the limit a state is worked out each time from the step table and forgotten.

To tell whether a state is known its row need not be made: rows are also integers, with room for each column's
number, and what a move adds to them is the same wherever it is made, since it is known what was there before.

What a program can do depends on its node and on the columns that its message touches. So a new state asks only
those again that the step behind it has concerned, and takes the others' answers from the state before.
"""

from actors.explore.tables.histories import Node
from actors.explore.tables.judging import Judged
from actors.explore.tables.layout import Row
from actors.explore.tables.steps import Move
from actors.explore.tables.tables import Option, Tables
from actors.runtime.endings import names_of
from actors.runtime.execution import Ending

LIMIT = 200_000
"""States kept."""

_ROOM = 32
"""Bits of a column's number in a key."""

Slot = tuple[int, Option | None]
"""What one program can do, and the columns that it depends on, as a mask."""


class State:
    """One state: who is enabled, what it breaks and meets, and the states that follow, where they are known.

    `number` tells the states of a graph apart, in the order in which they were met, `key` is the row as an
    integer. `after` holds for each enabled program, in the order of creation, the states behind its outcomes.
    `over` says that nothing follows, whoever asks: a program has ended badly, or all that must end have
    ended. `slots` is what each program can do; `came` is that of the state before, and which columns have
    changed since, until it has been asked here.
    """

    __slots__ = (
        "after", "came", "ending", "key", "met", "number", "options", "over", "row", "slots", "violated",
    )  # fmt: skip

    def __init__(
        self,
        row: Row,
        violated: tuple[str, ...],
        met: frozenset[str],
        ending: Ending | None,
        *,
        over: bool,
    ) -> None:
        self.key = self.number = 0
        self.row = row
        self.violated = violated
        self.met = met
        self.ending = ending
        self.over = over
        self.options: tuple[Option, ...] | None = None
        self.slots: list[Slot] = []
        self.came: tuple[list[Slot], int] | None = None
        self.after: list[list[State | None]] = []


class Graph:
    """The states of one world, as far as they have been met."""

    def __init__(self, tables: Tables, limit: int = LIMIT) -> None:
        self.tables = tables
        self.limit = limit
        self._judged = -1
        self._concerned: dict[int, list[Judged]] = {}
        self._moved: dict[Move, tuple[int, int]] = {}
        self._made = 0
        row = tables.initial()
        self.first = self._judge(row, failed=True)
        self.first.key = sum(number << _ROOM * column for column, number in enumerate(row))
        self._states: dict[int, State] = {self.first.key: self.first}

    def __len__(self) -> int:
        return len(self._states)

    def options(self, state: State) -> tuple[Option, ...]:
        """Return the enabled programs of a state that is no end; none at all is a deadlock."""
        options = state.options
        if options is None:
            state.slots = slots = self._slots(state)
            state.came = None
            state.options = options = tuple([option for _, option in slots if option is not None])
            state.after = [[None] * len(moves) for _, _, moves in options]
            if not options:
                state.ending, state.violated = "violated", (*state.violated, "deadlock")
        return options

    def _slots(self, state: State) -> list[Slot]:
        schedule = self.tables.layout.schedule
        row = self.tables.layout.padded(state.row)
        if state.came is not None:
            before, changed = state.came
            if len(before) == len(schedule):
                slots = [
                    slot if not slot[0] & changed else self._ask(row, place)
                    for place, slot in enumerate(before)
                ]
                if len(self.tables.layout.schedule) == len(schedule):
                    return slots
        while True:  # a spawn that is met for the first time adds a program
            count = len(self.tables.layout.schedule)
            slots = [self._ask(row, place) for place in range(count)]
            if len(self.tables.layout.schedule) == count:
                return slots

    def _ask(self, row: Row, place: int) -> Slot:
        """Find out what the program of that place in the default order can do."""
        layout = self.tables.layout
        column, history = layout.schedule[place]
        row = row if len(row) == layout.width else layout.padded(row)
        node: Node | None = history.nodes[row[column]]
        if node is None or node.pending is None:
            return 1 << column, None
        moves = self.tables.steps.moves(node, row)
        mask = 1 << column
        for one in self.tables.steps.columns(node):
            mask |= 1 << one
        return mask, (column, node, moves) if moves else None

    def follow(self, state: State, place: int, index: int) -> State:
        """Return the state behind an outcome of an enabled program."""
        after = state.after[place][index]
        if after is None:
            after = state.after[place][index] = self._work_out(state, place, index)
        return after

    def _work_out(self, state: State, place: int, index: int) -> State:
        assert state.options is not None
        move = state.options[place][2][index]
        added, changed = self._moved.get(move) or self._move(state, move)
        key = state.key + added
        known = self._states.get(key)
        if known is not None:
            return known
        made = self._arrive(self.tables.after(state.row, move), state, move, changed)
        self._made += 1
        made.number = self._made
        made.key = key
        made.came = state.slots, changed
        if len(self._states) < self.limit:
            self._states[key] = made
        return made

    def _move(self, state: State, move: Move) -> tuple[int, int]:
        """Return what a move adds to the key of a state, and which columns it changes, as a mask."""
        row = self.tables.layout.padded(state.row)
        added = changed = 0
        for column, number in move.changes:
            added += (number - row[column]) << _ROOM * column
            changed |= 1 << column
        self._moved[move] = added, changed
        return added, changed

    def _arrive(self, row: Row, before: State, move: Move, changed: int) -> State:
        """Say how a new state stands; what the step has not changed stands as before."""
        if before.ending is not None or move.failed or move.node.pending is None:
            return self._judge(row, failed=move.failed)
        concerned = self._concerned_by(changed)
        if not concerned:
            return State(row, (), before.met, None, over=False)
        broken, met = self.tables.judge.judged(row, concerned)
        met |= before.met.difference(one.name for one in concerned)
        return State(row, broken, met, "violated" if broken else None, over=False)

    def _concerned_by(self, changed: int) -> list[Judged]:
        """Return the conditions that look at columns of this mask."""
        if self._judged != self.tables.layout.width:
            self._judged = self.tables.layout.width
            self._concerned.clear()
        known = self._concerned.get(changed)
        if known is None:
            known = self._concerned[changed] = [
                one
                for one in self.tables.judge.conditions()
                if any(changed >> column & 1 for column in one.columns)
            ]
        return known

    def _judge(self, row: Row, *, failed: bool) -> State:
        tables = self.tables
        broken, met = tables.judge.judged(row)
        failures = [node.failure for node in tables.failures(row) if node.failure] if failed else []
        violated = names_of(broken, failures)
        finished = tables.finished(row)
        ending: Ending | None = "violated" if violated else "finished" if finished else None
        return State(row, violated, met, ending, over=finished or bool(failures))
