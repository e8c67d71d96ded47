"""What each step of an execution was: what it saw, what it wrote and answered, and what it would have, had it seen another value.

Devices are pure, so they can be asked again. Two other values are of interest in a part of a cell: the one that
stood there before the step that changed it last, as if that step had not happened; and the one that the same
step of the same program saw in an order that passes. If the device does the same then, the step does not
depend on that part.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from actors.explore.explaining.leaves import MISSING, Path, differing, exchanged, overlap, part
from actors.explore.minimising.playing import Played
from actors.explore.tables.graph import State
from actors.explore.tables.histories import Node
from actors.explore.tables.layout import Row, View
from actors.explore.tables.tables import Tables
from actors.runtime.device import Outcome, Retry
from actors.runtime.evaluation import Raised
from actors.runtime.values import same, typed
from actors.runtime.watchdog import WATCHDOG, Stuck
from protocol.handles import Cell

_EARLIER = 4
"""How many of the values that a part of a cell had before are tried in place of the one that it has."""


class Instead(NamedTuple):
    """Another value in a part of a cell."""

    cell: Cell
    path: Path
    value: Any


class Fact(NamedTuple):
    """One step: who, in which state of the program, which of the outcomes it had, and the cells before and after it."""

    node: Node
    outcomes: int
    place: int
    outcome: Outcome
    before: dict[Cell, Any]
    writes: dict[Cell, Any]

    @property
    def retried(self) -> bool:
        """Whether the device moved and left the message pending."""
        return isinstance(self.outcome.reply, Retry)

    def after(self, cell: Cell) -> Any:
        """Return what a cell of the footprint holds after the step."""
        return self.writes.get(cell, self.before.get(cell))


def _in_order(cells: Collection[Cell]) -> list[Cell]:
    """Return cells by name: an order that does not depend on hashes."""
    return sorted(cells, key=lambda cell: cell.name)


class Facts:
    """The steps of one execution; `passing` are orders that pass, to compare it with.

    `places` says where the step of a program is that comes behind so many of its others; one that is retried counts once.
    """

    def __init__(self, tables: Tables, played: Played, passing: Sequence["Facts"] = ()) -> None:
        self.tables = tables
        self.end = played.end
        states = [*(one.state for one in played.steps[1:]), played.end]
        self.steps: list[Fact] = [
            self._fact(one.state, one.which, one.outcome, after)
            for one, after in zip(played.steps, states, strict=True)
        ]
        self.passing = tuple(passing)
        self._rows = [state.row for state in states]
        self.places: dict[tuple[str, int], int] = {}
        self._ordinals: list[int] = []
        done: Counter[str] = Counter()
        for number, fact in enumerate(self.steps):
            self.places.setdefault((fact.node.name, done[fact.node.name]), number)
            self._ordinals.append(done[fact.node.name])
            done[fact.node.name] += not fact.retried
        self._changed: dict[Cell, list[tuple[int, Path]]] = {}
        for number, fact in enumerate(self.steps):
            for cell in fact.writes.keys() & fact.before.keys():
                paths = differing(fact.before[cell], fact.writes[cell])
                self._changed.setdefault(cell, []).extend((number, path) for path in paths)
        self._again: dict[tuple[int, Cell, Path], list[int]] = {}
        self._asked: dict[tuple[int, Cell, Path, object], Outcome | None] = {}
        self._known: dict[int, list[tuple[Instead, Outcome | None]]] = {}

    def column(self, name: str) -> int | None:
        """Return the column of a program that takes part, or stands there at the end."""
        layout = self.tables.layout
        columns = (layout.programs.get((name, background)) for background in (False, True))
        return next((one for one in columns if one is not None), None)

    def after(self, number: int) -> Row:
        """Return the state behind a step."""
        return self._rows[number]

    def _fact(self, state: State, which: int, place: int, after: State) -> Fact:
        tables = self.tables
        assert state.options is not None
        _, node, moves = state.options[which]
        row = tables.layout.padded(state.row)
        touched = tables.steps.reach(node, row).touched
        view, later = View(tables.layout, row), View(tables.layout, tables.layout.padded(after.row))
        before = {cell: view[cell] for cell in _in_order(touched.cells) if cell in view}
        writes = {
            cell: later[cell]
            for cell in _in_order({*touched.footprint.writes, node.handle.life})
            if cell in later and (cell != node.handle.life or not later[cell])
        }
        move = moves[place]
        outcome = Outcome(move.reply, (), move.label)
        return Fact(node, len(moves), place, outcome, before, writes)

    # What if.

    def others(self, cell: Cell, value: Any, before: int) -> list[Instead]:
        """Return what could stand in a cell's parts instead, in front of a step or at the end: what stood there earlier."""
        found: dict[Path, list[Any]] = {}
        others: list[Instead] = []
        for number, path in reversed(self._changed.get(cell, [])):
            if number >= before:
                continue
            known = found.get(path)
            if known is None:
                if any(overlap(path, one) for one in found):
                    continue
                known = found[path] = [part(value, path)]
            stood = part(self.steps[number].before[cell], path)
            if len(known) <= _EARLIER and not any(same(stood, one) for one in known):
                known.append(stood)
                others.append(Instead(cell, path, stood))
        for facts in self.passing:
            other = self._in(facts, cell, before)
            others += [
                Instead(cell, path, part(other, path))
                for path in (differing(value, other) if other is not MISSING else ())
            ]
        return others

    def _overwrites(self, number: int, instead: Instead) -> bool:
        if instead.cell not in self.steps[number].writes:
            return False
        outcome = self._if(number, instead)
        after = dict(outcome.writes).get(instead.cell, MISSING) if outcome is not None else MISSING
        return after is not MISSING and not same(part(after, instead.path), instead.value)

    def _if(self, number: int, instead: Instead) -> Outcome | None:
        key = (number, instead.cell, instead.path, typed(instead.value))
        if key not in self._asked:
            self._asked[key] = self._ask(self.steps[number], instead)
        return self._asked[key]

    def _in(self, other: "Facts", cell: Cell, number: int) -> Any:
        """Return what a cell held in front of the same step of another execution, or at its end."""
        if number == len(self.steps):
            layout = self.tables.layout
            return layout.value(layout.padded(other.end.row), cell)
        fact = self.steps[number]
        place = other.places.get((fact.node.name, self._ordinals[number]))
        if place is None or other.steps[place].node is not fact.node:
            return MISSING
        return other.steps[place].before.get(cell, MISSING)

    def what_if(self, number: int) -> list[tuple[Instead, Outcome | None]]:
        """Return what a step would have come to, had it seen another value; None if it could not be that step."""
        known = self._known.get(number)
        if known is None:
            fact = self.steps[number]
            known = self._known[number] = [
                (instead, self._if(number, instead))
                for cell, value in fact.before.items()
                for instead in self.others(cell, value, number)
            ]
        return known

    @staticmethod
    def _ask(fact: Fact, instead: Instead) -> Outcome | None:
        request = fact.node.pending
        assert request is not None
        if isinstance(fact.outcome.reply, Raised):
            return None
        WATCHDOG.stretch.enter()
        try:
            value = exchanged(fact.before[instead.cell], instead.path, instead.value)
            values = {**fact.before, instead.cell: value}
            found: Sequence[Outcome] = request.to.handle(fact.node.handle, request.message, values)
        except (Exception, Stuck):  # noqa: BLE001  # a value that cannot be: whatever the device does about it
            return None
        finally:
            WATCHDOG.stretch.leave()
        if len(found) <= fact.place or isinstance(found[fact.place].reply, Retry) != fact.retried:
            return None
        return found[fact.place]

    def other_replies(self, number: int) -> list[Any]:
        """Return what the step's other outcomes would have replied."""
        fact = self.steps[number]
        request = fact.node.pending
        if fact.outcomes == 1 or request is None:
            return []
        outcomes: Sequence[Outcome] = request.to.handle(fact.node.handle, request.message, fact.before)
        return [one.reply for one in outcomes if not same(one.reply, fact.outcome.reply)]

    # Where a value comes from.

    def definer(self, cell: Cell, path: Path, before: int) -> int | None:
        """Return the last step before one that gave a part of a cell its value, though it be the same value again.

        That is a step that would have written it had the one that changed it not happened: a load of what is there already.
        """
        for number in reversed(range(before)):
            if cell in self.steps[number].writes and self._defines(number, cell, path):
                again = [at for at in self._written_again(number, cell, path) if at < before]
                return again[-1] if again else number
        return None

    def _written_again(self, number: int, cell: Cell, path: Path) -> list[int]:
        """Return the later steps that would overwrite what stood in a part of a cell before a step changed it."""
        key = (number, cell, path)
        again = self._again.get(key)
        if again is None:
            stood = part(self.steps[number].before.get(cell, MISSING), path)
            changed = path and stood is not MISSING
            instead = Instead(cell, path, stood)
            later = range(number + 1, len(self.steps)) if changed else ()
            again = self._again[key] = [at for at in later if self._overwrites(at, instead)]
        return again

    def _defines(self, number: int, cell: Cell, path: Path) -> bool:
        fact = self.steps[number]
        if cell not in fact.before:
            return True
        if any(overlap(path, one) for one in differing(fact.before[cell], fact.writes[cell])):
            return True
        if path:
            return False  # a part that is as it was has been carried along
        stood = typed(part(fact.writes[cell], path))
        for instead, outcome in self.what_if(number):
            if outcome is not None and instead.cell == cell and overlap(path, instead.path):
                written = dict(outcome.writes)
                if cell in written and typed(part(written[cell], path)) == stood:
                    return True
        return False
