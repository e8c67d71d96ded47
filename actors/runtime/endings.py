"""How an execution ends when something went wrong: the violation, with who failed or who waits for what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from actors.runtime.conditions import Condition
from actors.runtime.running import Running
from actors.runtime.shapes import described
from actors.runtime.values import show
from protocol.handles import Cell, Label
from protocol.records import Failure, Violation

_WIDEST = 60


def names_of(broken: Sequence[str], failures: Sequence[Failure]) -> tuple[str, ...]:
    """Return the names of what went wrong in one step: conditions, then programs that failed."""
    return (*broken, *(f"{failure.program}: {failure.type}" for failure in failures))


def violation(
    broken: Sequence[Condition], failures: Sequence[Failure], read: Callable[[Cell | Label], Any]
) -> Violation:
    """Put together what went wrong in one step; the words of a condition are told what it has read."""
    names = names_of([condition.name for condition in broken], failures)
    texts = [failure.text or failure.type for failure in failures]
    texts += [_told(condition, read) for condition in broken]
    symptom = bool(failures) or any(condition.kind == "symptom" for condition in broken)
    kind: Literal["symptom", "hygiene"] = "symptom" if symptom else "hygiene"
    return Violation(names, kind, "; ".join(texts), failures[0] if failures else None)


def _told(condition: Condition, read: Callable[[Cell | Label], Any]) -> str:
    """Return a condition's words with the values that it has read; as they stand, if these do not fit in."""
    try:
        return condition.words.format(*map(read, condition.reads)) or condition.name
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # a value is of another kind
        return condition.words


def deadlock(order: Sequence[Running], cells: Mapping[Cell, Any]) -> Violation:
    """Say that nobody is enabled and a required program is unfinished, and who waits for what."""
    names = ", ".join(running.name for running in order if not running.background)
    waiting = tuple(_waits(running, cells) for running in order)
    return Violation(("deadlock",), "symptom", f"deadlock: {names} can never go on", None, waiting)


def _waits(running: Running, cells: Mapping[Cell, Any]) -> str:
    assert running.pending is not None
    function, file, line = running.place()
    touched = sorted(running.cells, key=lambda cell: cell.name)
    state = ", ".join(f"{cell.name} = {show(cells[cell])[:_WIDEST]}" for cell in touched if cell in cells)
    text = described(running.pending)
    return f"{running.name} waits for {text} in {function} ({file}:{line}); {state}"
