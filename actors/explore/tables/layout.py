"""The columns of a state: one for each cell and one for each program, in the order in which they were met.

A state is a row of small integers: for a cell the number of its value, for a program the number of its node;
0 where the cell or program is not there (yet). A spawn adds two columns, the child and its life, to all rows:
to rows that were made before, as zeros.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.explore.tables.histories import History, Node
from actors.explore.tables.interning import ABSENT, Interner
from actors.runtime.errors import ModelError
from actors.runtime.world import World
from protocol.handles import Cell, Label, Program

Row = tuple[int, ...]


class Layout:
    """Which column is what."""

    def __init__(self, world: World) -> None:
        self.width = 0
        self.cells: dict[Cell, int] = {}
        self.interners: dict[int, Interner] = {}
        self.programs: dict[tuple[str, bool], int] = {}
        self.histories: dict[int, History] = {}
        self._numbered: list[list[Any]] = []
        self.schedule: tuple[tuple[int, History], ...] = ()
        """The programs' columns in the default order: required ones first, by creation."""
        for cell in world.cells:
            self.cell(cell)

    def _column(self, numbered: list[Any]) -> int:
        self._numbered.append(numbered)
        self.width += 1
        return self.width - 1

    def cell(self, cell: Cell) -> int:
        """Return the column of a cell, a new one if it is new."""
        column = self.cells.get(cell)
        if column is None:
            interner = Interner()
            column = self.cells[cell] = self._column(interner.values)
            self.interners[column] = interner
        return column

    def program(self, handle: Program, key: tuple[Any, ...]) -> int:
        """Return the column of a program, a new one if it is new."""
        which = (handle.name, bool(key[0]))
        column = self.programs.get(which)
        if column is None:
            history = History(handle, key)
            column = self.programs[which] = self._column(history.nodes)
            self.histories[column] = history
            programs = [*self.schedule, (column, history)]
            self.schedule = tuple(sorted(programs, key=lambda one: one[1].key))
        return column

    def number(self, cell: Cell, value: Any) -> tuple[int, int]:
        """Return a cell's column and the number of a value in it."""
        column = self.cell(cell)
        return column, self.interners[column].number(value)

    def numbers(self, column: int) -> int:
        """Return how many numbers a column has had, 0 among them."""
        return len(self._numbered[column])

    def padded(self, row: Row) -> Row:
        """Return a row with zeros in the columns that have been added since it was made."""
        return row + (ABSENT,) * (self.width - len(row))

    def held(self, row: Row, column: int) -> Any:
        """Return the value of the cell in a column; it is there."""
        return self.interners[column].values[row[column]]

    def value(self, row: Row, target: Cell | Label) -> Any:
        """Return what a condition sees: a cell's value or a label's, None for what is not there."""
        if isinstance(target, Cell):
            column = self.cells.get(target)
            return None if column is None else self.interners[column].values[row[column]]
        for background in (False, True):
            column = self.programs.get((target.program, background))
            node = self.node(row, column) if column is not None else None
            if node is not None:
                return node.labels.get(target.name)
        return None

    def node(self, row: Row, column: int) -> Node | None:
        """Return where a program stands in a state; None if it is not there."""
        return self.histories[column].nodes[row[column]]

    def columns(self, targets: tuple[Cell | Label, ...]) -> tuple[int, ...]:
        """Return the columns that decide on these values, as far as they are there."""
        found: dict[int, None] = {}
        for target in targets:
            if isinstance(target, Cell):
                found[self.cell(target)] = None
                continue
            for background in (False, True):
                column = self.programs.get((target.program, background))
                if column is not None:
                    found[column] = None
        return tuple(found)

    def there(self, row: Row, name: str) -> bool:
        """Say whether a program of that name has been started in this state."""
        return any(
            row[column] != ABSENT
            for background in (False, True)
            if (column := self.programs.get((name, background))) is not None
        )


class View(Mapping[Cell, Any]):
    """The cells of one state, as devices' evaluation looks at them."""

    def __init__(self, layout: Layout, row: Row) -> None:
        self._layout = layout
        self._row = row

    def __getitem__(self, cell: Cell) -> Any:
        column = self._layout.cells.get(cell)
        if column is None or self._row[column] == ABSENT:
            raise KeyError(cell)
        return self._layout.interners[column].values[self._row[column]]

    def __iter__(self) -> Iterator[Cell]:
        return (cell for cell, column in self._layout.cells.items() if self._row[column] != ABSENT)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def named_twice(where: str, name: str) -> ModelError:
    """Return the error for a spawn under a name that is taken."""
    return ModelError(f"{where}: there are two programs called {name!r}; give this spawn another name=")
