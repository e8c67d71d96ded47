"""The shapes that messages and devices' answers must have, and whose fault it is where they have not.

A device is written by a user, in Python, where nothing stops it from answering with a list, a string, or an
outcome whose cells are names. Such an answer would fail somewhere inside vmrace, later; here it is refused as
what it is, with the device, the message and the line.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from actors.runtime.asking import Asking
from actors.runtime.device import Device, Footprint, Outcome, Retry
from actors.runtime.errors import ModelError, NotAValue
from actors.runtime.place import definition, line_of_error
from actors.runtime.program import Send
from actors.runtime.values import check_value, is_structural, same
from protocol.handles import Cell

__plumbing__ = True

MOST_OUTCOMES: Final = 4096
"""Outcomes of one step. Each is run, and a program is run again for each: what costs more than the search is refused."""

_WIDEST = 80
_OUTCOMES = "a tuple of Outcome(reply, writes, label), writes being (Cell, value) pairs and label a str"


def check_request(running: Asking) -> None:
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
    for one in (request.message, request.to):
        if not is_structural(type(one)):
            raise NotAValue(
                f"{running.where()}: {running.name} sends {type(request.message).__name__} to {request.to.name}: "
                f"{type(one).__name__} is not frozen, or has an __eq__ or __hash__ of its own"
            )


def check_footprint(running: Asking, footprint: Any) -> None:
    """Refuse what is not a Footprint of cells with the name of an actor."""
    wanted = "Footprint(reads, writes, actor): two tuples of Cell, and a name"
    if not isinstance(footprint, Footprint):
        raise _refused(running, "footprint", footprint, wanted)
    for cells in (footprint.reads, footprint.writes):
        for cell in cells if type(cells) is tuple else (cells,):
            if type(cell) is not Cell:
                raise _refused(running, "footprint", cell, wanted)
    if not isinstance(footprint.actor, str):
        raise _refused(running, "footprint", footprint.actor, wanted)
    if footprint.when != ():
        _check_when(running, footprint)


def _check_when(running: Asking, footprint: Footprint) -> None:
    """Refuse what is not pairs of a cell of the footprint and a value: nobody else may be looked at."""
    wanted = "Footprint(..., when=((cell, value), ...)) with cells that it reads or writes"
    touched = (*footprint.reads, *footprint.writes)
    for pair in footprint.when if type(footprint.when) is tuple else (footprint.when,):
        if type(pair) is not tuple or len(pair) != 2 or pair[0] not in touched:  # noqa: PLR2004  # a pair
            raise _refused(running, "footprint", pair, wanted)
        check_value(pair[1], lambda: f"{running.where()}: value that {running.name} waits for")


def check_outcomes(running: Asking, values: Mapping[Cell, Any], outcomes: Any) -> None:
    """Refuse what is not a tuple of Outcomes, too many, and a retry in which nothing moves: it would be retried for ever.

    `values` are those of the footprint, on which the device was asked.
    """
    if type(outcomes) is not tuple:
        raise _refused(running, "handle", outcomes, _OUTCOMES)
    if len(outcomes) > MOST_OUTCOMES:
        raise _too_many(running, len(outcomes))
    for outcome in outcomes:
        if not isinstance(outcome, Outcome) or not isinstance(outcome.label, str):
            raise _refused(running, "handle", outcome, _OUTCOMES)
        _check_writes(running, outcome)
        if isinstance(outcome.reply, Retry):
            _check_retry(running, outcome, values)


def _too_many(running: Asking, count: int) -> ModelError:
    request = running.pending
    assert request is not None
    return ModelError(
        f"{running.where()}: {type(request.message).__name__} of {running.name} to {request.to.name} has {count:,} "
        f"outcomes, and a step may have {MOST_OUTCOMES:,}; choose in several steps, or among fewer values"
    )


def _check_writes(running: Asking, outcome: Outcome) -> None:
    writes = outcome.writes if type(outcome.writes) is tuple else (outcome.writes,)
    for write in writes:
        if type(write) is not tuple or len(write) != 2 or type(write[0]) is not Cell:  # noqa: PLR2004  # a pair
            raise _refused(running, "handle", write, _OUTCOMES)
    if len({cell for cell, _ in writes}) != len(writes):
        raise _refused(running, "handle", outcome, "each cell written once")


def _check_retry(running: Asking, outcome: Outcome, values: Mapping[Cell, Any]) -> None:
    if type(outcome.reply) is not Retry:
        raise _refused(running, "handle", outcome.reply, "RETRY itself")
    if not any(cell not in values or not same(values[cell], value) for cell, value in outcome.writes):
        wanted = "a retry that changes a cell, or no outcome while it cannot go on"
        raise _refused(running, "handle", outcome, wanted, ModelError)


def _refused(
    running: Asking, method: str, answer: object, wanted: str, kind: type[ModelError] = NotAValue
) -> ModelError:
    request = running.pending
    assert request is not None
    try:
        text = str(answer)
    except Exception as error:  # noqa: BLE001  # it is the user's object
        text = f"something whose text raises {type(error).__name__}"
    cut = text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."
    return kind(
        f"{running.where()}: device {request.to.name} answered {type(request.message).__name__} from "
        f"{running.name} with {cut} ({type(answer).__name__}), at "
        f"{definition(getattr(type(request.to), method))}; wanted: {wanted}"
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
