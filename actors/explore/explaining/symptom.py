"""Where a slice begins: what is violated, and the values that it is violated by.

That is the parts of cells, and labels, which alone would make a broken condition hold; the replies but for which
a program would not have failed; and what everybody waits for in a deadlock.
"""

from collections.abc import Collection
from typing import Any

from actors.explore.explaining.leaves import Path, exchanged
from actors.explore.explaining.slicing import Slice
from actors.explore.minimising.playing import Played
from actors.explore.tables.tables import Tables
from actors.runtime.conditions import Condition
from actors.runtime.values import same
from protocol.handles import Cell, Label


def steps_that_matter(
    tables: Tables, played: Played, passing: list[Played], news: Collection[int] = ()
) -> dict[int, int]:
    """Return the steps on the way to the symptom, as places, with how many dependences each is away from it.

    `news` are places whose replies a reader wants to know the reasons of, whatever follows from them.
    """
    found = Slice(tables, played, passing)
    begin(found)
    for number in news:
        found.answer(number)
    found.follow()
    return found.distance


def begin(found: Slice) -> None:
    """Demand the last step, and what is violated."""
    tables, end = found.tables, found.facts.end
    if found.facts.steps:
        found.step(len(found.facts.steps) - 1, 0)
    for condition in tables.world.conditions:
        if condition.mode == "always" and condition.name in end.violated:
            _condition(found, condition)
    for node in tables.failures(tables.layout.padded(end.row)):
        control = found.control(node.name)
        found.replies(control, len(control.steps), control.ends_otherwise, 0)
    if "deadlock" in end.violated:
        _deadlock(found)


def _condition(found: Slice, condition: Condition) -> None:
    """Demand what a broken condition looks at: what alone would make it hold, or else all of it."""
    layout = found.tables.layout
    row = layout.padded(found.facts.end.row)
    values = {target: layout.value(row, target) for target in condition.reads}
    parts: list[tuple[Cell | Label, Path]] = []
    decisive: list[tuple[Cell | Label, Path]] = []
    for target, value in values.items():
        for path, other in _others(found, target, value):
            parts.append((target, path))
            if _holds(condition, {**values, target: other}):
                decisive.append((target, path))
    for target, path in dict.fromkeys(decisive or parts):
        if isinstance(target, Label):
            _label(found, target)
        else:
            found.part(target, path, len(found.facts.steps), 1)


def _others(found: Slice, target: Cell | Label, value: Any) -> list[tuple[Path, Any]]:
    """Return what a condition might have seen instead: the part that differs, and the whole value."""
    if isinstance(target, Cell):
        return [
            (instead.path, exchanged(value, instead.path, instead.value))
            for instead in found.facts.others(target, value, len(found.facts.steps))
        ]
    seen: list[Any] = [None, *(node.labels.get(target.name) for node in found.control(target.program).nodes)]
    return [((), other) for other in seen if not same(other, value)]


def _holds(condition: Condition, values: dict[Cell | Label, Any]) -> bool:
    try:
        return condition.holds(tuple(values[target] for target in condition.reads))
    except Exception:  # noqa: BLE001  # a value that cannot be: it says nothing
        return False


def _label(found: Slice, label: Label) -> None:
    """Demand the step after which a label was set to what it is, and the replies that decided on that."""
    control = found.control(label.program)
    values = [node.labels.get(label.name) for node in control.nodes]
    place = len(values) - 1
    while place > 0 and same(values[place - 1], values[-1]):
        place -= 1
    if place > 0:
        found.step(control.steps[place - 1], 1)
    found.replies(control, place, lambda at, reply: control.labels_another(at, reply, place, label.name), 0)


def _deadlock(found: Slice) -> None:
    """Demand what everybody waits for, and that they do."""
    tables, facts = found.tables, found.facts
    layout = tables.layout
    row = layout.padded(facts.end.row)
    for column, history in layout.schedule:
        node = layout.node(row, column)
        if node is None or node.pending is None:
            continue
        for cell in tables.steps.reach(node, row).touched.seen:
            for path, _ in _others(found, cell, layout.value(row, cell)):
                found.part(cell, path, len(facts.steps), 1)
        name = history.handle.name
        found.message(name, len(found.control(name).steps), 0)
