"""What a command gives back: text for a person or one JSON object, and the exit status.

Exit status: 0 proved or not found; 1 violated; 2 usage or malformed input; 3 inconclusive, vacuous, or not
found with a `sometimes` unmet; 4 a finding that did not reproduce, or an internal error; 130 Ctrl-C.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from actors.observe.text import printable
from protocol.records import Kind, Verdict

FINE, VIOLATED, USAGE, UNDECIDED, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 130


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON object of commands about one scenario; null where a field does not apply.

    `steps` is the length of the counterexample, or of the execution where there is only one. `executions` counts
    those that were run, of `verify --classes` one of each class; `blocked` are its prefixes begun for nothing.
    `window`, `flip` and `needs` explain it: where, the change that passes with its token, and how many events
    of each class it takes at least. `hopeless` is the number of states that all orders of its events have, if it is
    proved that none of them passes; with `flip` null too, none was found.
    """

    scenario: str | None = None
    parameters: dict[str, Any] | None = None
    verdict: Verdict | None = None
    violated: tuple[str, ...] | None = None
    kind: Kind | None = None
    sometimes: dict[str, bool] | None = None
    states: int | None = None
    transitions: int | None = None
    executions: int | None = None
    steps: int | None = None
    seconds: float | None = None
    token: str | None = None
    message: str | None = None
    window: dict[str, Any] | None = None
    flip: dict[str, Any] | None = None
    hopeless: int | None = None
    needs: tuple[dict[str, Any], ...] | None = None
    blocked: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """What a command found: text, the same as an object, and the exit status."""

    text: str
    json: Any
    status: int = FINE


def status_of(verdict: Verdict, sometimes: Mapping[str, bool]) -> int:
    """Return the exit status of a verdict."""
    if verdict == "violated":
        return VIOLATED
    if verdict == "proved" or (verdict == "not found" and all(sometimes.values())):
        return FINE
    return UNDECIDED


def complain(message: str) -> str:
    """Say in one line on standard error what went wrong, and return the line."""
    line = printable(" ".join(message.split()))
    with suppress(OSError):  # the status says it too
        print(f"vmrace: {line}", file=sys.stderr)  # noqa: T201  # this is the command line
    return line


def plain(value: object) -> Any:
    """Return a parameter's value as JSON has it."""
    return getattr(value, "value", value)
