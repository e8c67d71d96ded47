"""The lines below a chart: what is violated, what it took, what was modelled, and how to see it again."""

from collections import Counter
from collections.abc import Iterator, Sequence

from actors.observe.chart import chart
from actors.observe.text import WIDTH, printable, wrap
from protocol.records import Record, Violation

_KEY = 10


def report(record: Record, token: str, command: str, *, full: bool = False) -> str:
    """Return the chart and everything below it; `command` replays the token."""
    return "\n".join([chart(record, full=full), "", *below(record, token, command)])


def below(record: Record, token: str, command: str) -> list[str]:
    """Return the lines below the chart."""
    lines = list(_violation(record.violation)) if record.violation is not None else []
    needs = needed(record)
    if needs:
        lines += entry("Needs", needs)
    lines += entry("Model", record.model)
    if record.fix:
        lines += entry("Fix", record.fix)
    if token:
        lines += [*_whole("Token", token), *_whole("Replay", command)]
    return lines


def needed(record: Record) -> str:
    """Say which events from outside the execution took, of how many it could have had."""
    taken = Counter(step.event for step in record.steps if step.event)
    budgets = dict(record.budgets)
    used = [
        f"{event} {count} of {budgets[event]}" if event in budgets else f"{event} {count}"
        for event, count in taken.items()
    ]
    unused = [event for event in budgets if event not in taken]
    words = [", ".join(used), f"not needed: {', '.join(unused)}" if unused else ""]
    return "; ".join(word for word in words if word)


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
    yield from entries("Violated", [*names, f"{last} ({violation.kind})"])
    failure = violation.failure
    if failure is not None:
        yield from entries("Failure", [f"{failure.type} in {failure.program}", *failure.lines])
    yield from entries("Waiting", violation.waiting)


def _whole(key: str, word: str) -> list[str]:
    """Return a line that must not be broken, since it is copied: below its key where it is too long."""
    word = printable(word)
    return [f"{key:<{_KEY}}{word}"] if len(word) <= WIDTH - _KEY else [key, word]
