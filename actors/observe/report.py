"""The lines below a chart: what is violated, what it took, what was modelled, and how to see it again."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from actors.observe.chart import chart
from actors.observe.explanation import explanation_lines
from actors.observe.text import WIDTH, printable, wrap
from protocol.records import Record, Violation

_KEY = 10


Replay = Callable[[str], str]
"""Returns the command that replays a token."""


def report(record: Record, token: str, replay: Replay, *, full: bool = False) -> str:
    """Return the chart and everything below it."""
    return "\n".join([chart(record, full=full), "", *below(record, token, replay)])


def below(record: Record, token: str, replay: Replay) -> list[str]:
    """Return the lines below the chart."""
    lines = list(_violation(record.violation)) if record.violation is not None else []
    explanation = record.explanation
    if explanation is not None:
        for key, text in explanation_lines(explanation):
            lines += entry(key, text)
    else:
        events = taken(record)
        lines += entry("Events", events) if events else []
    lines += entry("Model", record.model)
    if record.fix:
        lines += entry("Fix", record.fix)
    if token:
        lines += [*_whole("Token", token), *_whole("Replay", replay(token))]
    if explanation is not None and explanation.flip is not None:
        lines += _whole("Passes", replay(explanation.flip.token))
    return lines


def taken(record: Record) -> str:
    """Say which events from outside the execution took, of how many it could have had."""
    counts = Counter(step.event for step in record.steps if step.event)
    budgets = dict(record.budgets)
    return ", ".join(
        f"{event} {count} of {budgets[event]}" if event in budgets else f"{event} {count}"
        for event, count in counts.items()
    )


def entry(key: str, text: str) -> list[str]:
    """Return `key  text`, wrapped with the text in a column of its own."""
    lines = wrap(text, WIDTH - _KEY) or [""]
    return [f"{key:<{_KEY}}{lines[0]}".rstrip(), *(" " * _KEY + line for line in lines[1:])]


def entries(key: str, texts: Sequence[str]) -> list[str]:
    """Return several texts under one key, each beginning a line."""
    lines: list[str] = []
    for text in texts:
        lines += entry("" if lines else key, text)
    return lines


def _violation(violation: Violation) -> Iterator[str]:
    *names, last = violation.names or ("",)
    said = last.startswith(f"{violation.kind}: ")
    yield from entries("Violated", [*names, last if said else f"{last} ({violation.kind})"])
    failure = violation.failure
    if failure is not None:
        yield from entries("Failure", [f"{failure.type} in {failure.program}", *failure.lines])
    yield from entries("Waiting", violation.waiting)


def _whole(key: str, word: str) -> list[str]:
    """Return a line that must not be broken, since it is copied: below its key where it is too long."""
    word = printable(word)
    return [f"{key:<{_KEY}}{word}"] if len(word) <= WIDTH - _KEY else [key, word]
