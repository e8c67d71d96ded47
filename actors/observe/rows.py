"""What one step says: `function: step = reply  cell before -> after  [label]`."""

from collections.abc import Iterator

from protocol.records import Change, Step, Violation


def says(step: Step) -> str:
    """Return what the step did, without where."""
    parts = [step.text + (f" = {step.reply}" if step.reply else "")]
    if step.outcome and step.outcome != step.reply:
        parts.append(f"({step.outcome})")
    parts.append(", ".join(_change(change) for change in step.changes))
    parts.append(" ".join(_label(name, value) for name, value in step.labels))
    return "  ".join(part for part in parts if part)


def row(step: Step) -> str:
    """Return the whole row: function and step."""
    return f"{step.function}: {says(step)}"


def matters(step: Step) -> bool:
    """Say whether a reader must see the step: something changed, was read, chosen, or came from outside."""
    return bool(step.changes or step.labels or step.event or step.reply or step.outcome)


def symptom(violation: Violation) -> Iterator[str]:
    """Return what went wrong in its own words, line by line; a condition that has none is named."""
    named = violation.text in {"; ".join(violation.names), *violation.names}
    for line in violation.text.split("\n"):
        yield f"=> violated: {line}" if named else f"=> {line}"


def _change(change: Change) -> str:
    name = change.field.rpartition(".")[2] or change.cell
    return f"{name} {change.before} -> {change.after}"


def _label(name: str, value: str) -> str:
    if value == "True":
        return f"[{name}]"
    if value in {"False", "None"}:
        return f"[not {name}]"
    return f"[{name}={value}]"
