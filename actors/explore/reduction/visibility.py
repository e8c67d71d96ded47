"""Which conditions might see a step: those that look at a cell or label whose value it changes."""

from actors.explore.tables.histories import Node
from actors.explore.tables.layout import Row
from actors.explore.tables.steps import Move
from actors.explore.tables.tables import Tables
from actors.runtime.values import same
from protocol.handles import Cell


class Visibility:
    """The conditions of a world, a bit each, by what they look at."""

    def __init__(self, tables: Tables) -> None:
        self._of_cells: dict[int, int] = {}
        self._of_labels: dict[str, dict[str, int]] = {}
        self._after: dict[str, int] = {}
        for place, judged in enumerate(tables.judge.conditions()):
            condition, bit = judged.decided.condition, 1 << place
            for program in condition.after:
                self._after[program.name] = self._after.get(program.name, 0) | bit
            for target in condition.reads:
                if isinstance(target, Cell):
                    column = tables.layout.cell(target)
                    self._of_cells[column] = self._of_cells.get(column, 0) | bit
                else:
                    labels = self._of_labels.setdefault(target.program, {})
                    labels[target.name] = labels.get(target.name, 0) | bit

    def silenced(self, program: str) -> int:
        """Return the conditions that hold as long as this program has not returned."""
        return self._after.get(program, 0)

    def marks(self, node: Node, row: Row, move: Move) -> int:
        """Return the conditions that look at what a move changes."""
        found = self._relabelled(node, move.node)
        if move.child is not None:
            found |= self._relabelled(None, move.child)
        for column, number in move.changes:
            if number != row[column]:
                found |= self._of_cells.get(column, 0)
        return found

    def _relabelled(self, before: Node | None, after: Node) -> int:
        found = 0
        if before is not after:
            for name, places in self._of_labels.get(after.name, {}).items():
                old = before.labels.get(name) if before is not None else None
                if not same(old, after.labels.get(name)):
                    found |= places
        return found
