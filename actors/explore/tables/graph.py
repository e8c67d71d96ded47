"""States that have been met, linked by the moves between them, so that walking there again costs nothing.

A small world is soon known entirely; then a step of a walk is following a link. A large one is not worth
keeping: beyond the limit a state is worked out each time from the step table and forgotten.
"""

from actors.explore.tables.layout import Row
from actors.explore.tables.tables import Option, Tables
from actors.runtime.endings import names_of
from actors.runtime.execution import Ending

LIMIT = 200_000
"""States kept."""


class State:
    """One state: who is enabled, what it breaks and meets, and the states that follow, where they are known.

    `after` holds for each enabled program, in the order of creation, the states behind its outcomes. `over`
    says that nothing follows, whoever asks: a program has ended badly, or all that must end have ended.
    """

    __slots__ = ("after", "ending", "met", "options", "over", "row", "violated")

    def __init__(
        self,
        row: Row,
        violated: tuple[str, ...],
        met: frozenset[str],
        ending: Ending | None,
        *,
        over: bool,
    ) -> None:
        self.row = row
        self.violated = violated
        self.met = met
        self.ending = ending
        self.over = over
        self.options: tuple[Option, ...] | None = None
        self.after: list[list[State | None]] = []


class Graph:
    """The states of one world, as far as they have been met."""

    def __init__(self, tables: Tables, limit: int = LIMIT) -> None:
        self.tables = tables
        self.limit = limit
        self._width = tables.layout.width
        row = tables.initial()
        self.first = self._arrive(row, failed=True)
        self._states: dict[Row, State] = {row: self.first}

    def __len__(self) -> int:
        return len(self._states)

    def _arrive(self, row: Row, *, failed: bool) -> State:
        tables = self.tables
        broken, met = tables.judge.judged(row)
        failures = [node.failure for node in tables.failures(row) if node.failure] if failed else []
        violated = names_of(broken, failures)
        finished = tables.finished(row)
        ending: Ending | None = "violated" if violated else "finished" if finished else None
        return State(row, violated, met, ending, over=finished or bool(failures))

    def options(self, state: State) -> tuple[Option, ...]:
        """Return the enabled programs of a state that is no end; none at all is a deadlock."""
        options = state.options
        if options is None:
            state.options = options = tuple(self.tables.options(self.tables.layout.padded(state.row)))
            state.after = [[None] * len(moves) for _, _, moves in options]
            if not options:
                state.ending, state.violated = "violated", (*state.violated, "deadlock")
        return options

    def follow(self, state: State, place: int, index: int) -> State:
        """Return the state behind an outcome of an enabled program."""
        after = state.after[place][index]
        if after is None:
            after = state.after[place][index] = self._work_out(state, place, index)
        return after

    def _work_out(self, state: State, place: int, index: int) -> State:
        assert state.options is not None
        tables = self.tables
        move = state.options[place][2][index]
        row = tables.after(state.row, move)
        if tables.layout.width != self._width:
            self._width = tables.layout.width
            self._states = {tables.layout.padded(one): found for one, found in self._states.items()}
        known = self._states.get(row)
        if known is not None:
            return known
        made = self._arrive(row, failed=move.failed)
        if len(self._states) < self.limit:
            self._states[row] = made
        return made
