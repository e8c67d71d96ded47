"""Which steps on the tables are asynchronous events: what the world says of each step of a source."""

from actors.explore.tables.graph import State
from actors.explore.tables.histories import Node
from actors.explore.tables.layout import View
from actors.explore.tables.steps import Move
from actors.explore.tables.tables import Tables


class Events:
    """The events of one world; `only` counts those of one class alone."""

    def __init__(self, tables: Tables, only: str | None = None) -> None:
        self._tables = tables
        self._only = only
        self._known: dict[Move, str] = {}
        self.sources = {
            column
            for (name, _), column in tables.layout.programs.items()
            if tables.world.sources.get(name) and only in {None, tables.world.sources[name]}
        }
        """The columns of programs whose steps may be events."""

    def of(self, state: State, column: int, node: Node, move: Move) -> str:
        """Return the class of event that a step is, or nothing.

        A move belongs to one message on one combination of values, so the world is asked once for each.
        """
        if column not in self.sources:
            return ""
        known = self._known.get(move)
        if known is None:
            known = self._known[move] = self._ask(state, node)
        return known

    def _ask(self, state: State, node: Node) -> str:
        tables = self._tables
        row = tables.layout.padded(state.row)
        view = View(tables.layout, row)
        before = {cell: view[cell] for cell in tables.steps.reach(node, row).touched.cells if cell in view}
        assert node.pending is not None
        event = tables.world.event(node.name, node.pending.message, before)
        return event if self._only in {None, event} else ""
