"""The narration of one execution: every step in a line, and how it ended."""

from collections.abc import Iterator

from actors.observe.rows import row, symptom
from actors.observe.text import WIDTH, clip, wrap
from protocol.records import Record, Step

_NAME = 16  # more than so many characters of a context's name would leave no room for what it does


def narrate(record: Record) -> str:
    """Tell an execution from its first step to its end."""
    number = len(str(len(record.steps)))
    name = min(_NAME, max((len(step.column) for step in record.steps), default=0))
    margin = max((len(step.margin) for step in record.steps), default=0)
    lines = [line for step in record.steps for line in _told(step, number, name, margin)]
    return "\n".join([*lines, *_ending(record)])


def _told(step: Step, number: int, name: int, margin: int) -> Iterator[str]:
    start = f"{step.number:>{number}}  "
    if margin:
        start += f"{step.margin:<{margin}} "
    start += f"{clip(step.column, name):<{name}}  "
    lines = wrap(row(step), WIDTH - len(start), 2)
    yield start + lines[0]
    for line in lines[1:]:
        yield " " * len(start) + line


def _ending(record: Record) -> list[str]:
    if record.violation is None:
        return wrap(record.ending, WIDTH)
    return [part for line in symptom(record.violation) for part in wrap(line, WIDTH, 3)]
