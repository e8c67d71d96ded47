"""What the commands show of a finding: minimised if that is wanted, explained, in words and as JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from actors.cli.answers import Outcome
from actors.observe.explanation import flip_text, owned, with_reply
from protocol.records import Explanation, Record

if TYPE_CHECKING:
    from actors.explore.minimising.minimal import Minimised


def minimised_words(minimised: "Minimised | None", budgets: Mapping[str, int]) -> str:
    """Say what is shown instead of what was found, and whether it could be simpler; nothing if nobody minimised."""
    if minimised is None:
        return ""
    before, after = minimised.before, minimised.after
    size = [_count(after.events, "event")] if any(budgets.values()) else []
    rest = ", ".join([*size, _count(after.steps, "step")])
    if minimised.exact:
        return f"the fewest context switches: {after.switches}, with {rest}"
    return f"minimised from {before.switches} context switches to {after.switches}, with {rest}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def with_explanation(outcome: Outcome, record: Record | None) -> Outcome:
    """Return the object of a command with what explains its finding."""
    explanation = record.explanation if record is not None else None
    if explanation is None:
        return outcome
    return msgspec.structs.replace(
        outcome,
        window=_window(explanation),
        flip=_flip(explanation),
        hopeless=explanation.hopeless,
        needs=tuple(
            {"event": one.event, "least": one.least, "budget": one.budget} for one in explanation.needs
        ),
    )


def _window(explanation: Explanation) -> dict[str, Any] | None:
    window = explanation.window
    if window is None:
        return None
    opens, closes = window.opens, window.closes
    ends = [one for one in (opens, closes) if one is not None]
    return {
        "context": ends[0].column,
        "opens": with_reply(opens) if opens is not None else None,
        "closes": closes.text if closes is not None else None,
        "first": owned(window.first),
        "last": owned(window.last),
    }


def _flip(explanation: Explanation) -> dict[str, Any] | None:
    flip = explanation.flip
    if flip is None:
        return None
    return {"change": flip_text(flip), "race": flip.cells, "token": flip.token}
