"""The tables of one world: its initial state, what can happen in a state, and how that stands.

This is the meaning of a world once more, on rows of integers instead of cells and coroutines. It has to agree
with `actors.runtime.execution` step for step, which a property test says over generated worlds, and every
finding is replayed there before anybody sees it.
"""

from collections.abc import Iterable
from typing import Self

from actors.explore.tables.histories import Node
from actors.explore.tables.interning import ABSENT
from actors.explore.tables.judging import Judge
from actors.explore.tables.layout import Layout, Row
from actors.explore.tables.steps import Move, Moves, Steps
from actors.runtime.world import World

CHECKED = 100_000
"""Steps of programs that are run again after a search."""

Option = tuple[int, Node, Moves]
"""A program that is enabled: its column, its node, and what its message can come to."""


class Tables:
    """Everything known of one world so far; `only` limits the `always` conditions to those of these names.

    It is closed at the end of a `with`: coroutines stand in it that Python would otherwise end in its own way.
    """

    def __init__(self, world: World, only: frozenset[str] | None = None) -> None:
        self.world = world
        self.layout = Layout(world)
        self.steps = Steps(self.layout)
        self._start = [self.layout.number(cell, value) for cell, value in world.cells.items()]
        self._nodes: list[tuple[int, Node]] = []
        for spec in world.programs:
            column = self.layout.program(spec.handle, spec.key)
            node = self.layout.histories[column].start(spec.function, spec.args)
            self._nodes.append((column, node))
            if node.pending is None and node.failure is None:
                self._start.append(self.layout.number(spec.handle.life, False))
        self.judge = Judge(self.layout, world.checks(only))

    def initial(self) -> Row:
        """Return the first state: all programs stand at their first message."""
        row = [0] * self.layout.width
        for column, number in self._start:
            row[column] = number
        for column, node in self._nodes:
            row[column] = node.number
        return tuple(row)

    def options(self, row: Row) -> list[Option]:
        """Return the programs that are enabled in a state, in the order of creation, required ones first."""
        found = []
        steps = self.steps
        for column, history in self.layout.schedule:
            node = history.nodes[row[column]]
            if node is None or node.pending is None:
                continue
            moves = steps.moves(node, row)
            if moves:
                found.append((column, node, moves))
        return found

    def after(self, row: Row, move: Move) -> Row:
        """Return the state after a move."""
        width = self.layout.width
        changed = list(row) if len(row) == width else list(self.layout.padded(row))
        for column, number in move.changes:
            changed[column] = number
        return tuple(changed)

    def finished(self, row: Row) -> bool:
        """Say whether every required program has ended."""
        for column, history in self.layout.schedule:
            if history.background:
                break
            node = history.nodes[row[column]]
            if node is not None and node.pending is not None:
                return False
        return True

    def has_background(self, row: Row) -> bool:
        """Say whether there is a background program, ended or not."""
        columns = (column for column, history in self.layout.schedule if history.background)
        return any(row[column] != ABSENT for column in columns if column < len(row))

    def failures(self, row: Row) -> Iterable[Node]:
        """Return the programs that have ended badly, in the default order."""
        nodes = (history.nodes[row[column]] for column, history in self.layout.schedule)
        return (node for node in nodes if node is not None and node.failure is not None)

    def check(self, most: int = CHECKED) -> None:
        """Run programs again, the last state first, and compare all messages; raises Nondeterminism.

        Each run covers the whole history of a state that nothing follows; `most` limits the steps run again.
        """
        for _, history in reversed(self.layout.schedule):
            most -= history.check(most)
            if most <= 0:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all coroutines that still stand somewhere; raises SwallowedTeardown for one that goes on."""
        for history in self.layout.histories.values():
            history.close()
