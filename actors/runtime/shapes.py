"""The shapes that messages and devices' answers must have, and whose fault it is where they have not.

A device is written by a user, in Python, where nothing stops it from answering with a list, a string, or an
outcome whose cells are names. Such an answer would fail somewhere inside vmrace, later; here it is refused as
what it is, with the device, the message and the line.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from actors.runtime.device import Device, Footprint, Outcome, Outcomes, Retry
from actors.runtime.errors import ModelError, NotAValue
from actors.runtime.place import definition, line_of_error
from actors.runtime.program import Send
from actors.runtime.values import same
from protocol.handles import Cell

if TYPE_CHECKING:
    from actors.runtime.evaluation import Asking

__plumbing__ = True


def check_request(running: "Asking") -> None:
    """Refuse a message that is not a Struct, or is not sent to a device."""
    request = running.pending
    assert request is not None
    if not isinstance(request.to, Device):
        raise NotAValue(
            f"{running.where()}: {running.name} sends to {type(request.to).__name__}, which is not a device"
        )
    if not isinstance(request.message, msgspec.Struct):
        raise NotAValue(
            f"{running.where()}: {running.name} sends {type(request.message).__name__} to {request.to.name}; "
            "a message is a frozen msgspec.Struct"
        )


def check_footprint(running: "Asking", footprint: Any) -> None:
    """Refuse what is not a Footprint of cells with the name of an actor."""
    well = isinstance(footprint, Footprint) and isinstance(footprint.actor, str)
    if not (well and _are_cells(footprint.reads) and _are_cells(footprint.writes)):
        raise NotAValue(
            _complaint(
                running, "footprint", footprint, "Footprint(reads, writes, actor): tuples of Cell, and a name"
            )
        )


def _are_cells(cells: Any) -> bool:
    return type(cells) is tuple and all(type(cell) is Cell for cell in cells)


def check_outcomes(running: "Asking", values: dict[Cell, Any], outcomes: Any) -> None:
    """Refuse what is not a tuple of Outcomes, and a retry in which nothing moves: it would be retried for ever.

    `values` are those of the footprint, on which the device was asked.
    """
    if type(outcomes) is not tuple or not all(_is_outcome(outcome) for outcome in outcomes):
        raise NotAValue(
            _complaint(
                running,
                "handle",
                outcomes,
                "a tuple of Outcome(reply, writes, label); writes: (Cell, value) pairs",
            )
        )
    if any(type(outcome.reply) is Retry and not _moves(outcome, values) for outcome in outcomes):
        raise ModelError(
            _complaint(
                running,
                "handle",
                outcomes,
                "a retry that changes a cell, or no outcome while it cannot go on",
            )
        )


def _is_outcome(outcome: Any) -> bool:
    return (
        isinstance(outcome, Outcome)
        and isinstance(outcome.label, str)
        and type(outcome.writes) is tuple
        and all(type(pair) is tuple and len(pair) == 2 and type(pair[0]) is Cell for pair in outcome.writes)  # noqa: PLR2004
    )


def _moves(outcome: Outcome, values: dict[Cell, Any]) -> bool:
    return any(cell not in values or not same(values[cell], value) for cell, value in outcome.writes)


def _complaint(running: "Asking", method: str, answer: Outcomes, wanted: str) -> str:
    request = running.pending
    assert request is not None
    kind = type(request.to)
    return (
        f"{running.where()}: device {request.to.name} answered {type(request.message).__name__} from "
        f"{running.name} with {str(answer)[:80]!r}, at {definition(getattr(kind, method))}; wanted: {wanted}"
    )


def described(request: Send) -> str:
    """Return a message as its device describes it; raises ModelError if it cannot."""
    try:
        text = request.to.describe(request.message)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"{line_of_error(error)}: device {request.to.name} cannot describe {type(request.message).__name__}: {what}"
        ) from error
    if not isinstance(text, str):
        raise NotAValue(
            f"{definition(type(request.to).describe)}: device {request.to.name} describes "
            f"{type(request.message).__name__} as {type(text).__name__}, not as a str"
        )
    return text
