"""What is written down of an execution: enough to draw it without asking anybody.

A record holds text and numbers only. It is made when an execution is narrated or replayed, never while searching.
"""

from typing import Literal

import msgspec

Kind = Literal["symptom", "hygiene"]
Verdict = Literal["violated", "proved", "vacuous", "not found", "inconclusive"]


class Change(msgspec.Struct, frozen=True):
    """One field of one cell that a step changed, before and after, as text."""

    cell: str
    field: str
    before: str
    after: str


class Step(msgspec.Struct, frozen=True):
    """One handled message.

    `number` counts from 1; `actor` handled it; `column` is the context that sent it; `function`, `file` and `line` say where
    in the program; `margin` is the CPU's interrupt state in ftrace's latency format; `event` is the class of asynchronous
    event that the step is, or empty; `labels` are those that the program set right after it.
    """

    number: int
    program: str
    actor: str
    column: str
    function: str
    file: str
    line: int
    text: str
    reply: str
    outcome: str = ""
    margin: str = ""
    event: str = ""
    changes: tuple[Change, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


class Failure(msgspec.Struct, frozen=True):
    """A program that ended by an exception, as a state: the exception's type and text, and the lines it went through."""

    program: str
    type: str
    text: str
    lines: tuple[str, ...] = ()


class Violation(msgspec.Struct, frozen=True):
    """What went wrong: the names of the conditions, and the failure or the waiting programs where there are any."""

    names: tuple[str, ...]
    kind: Kind
    text: str
    failure: Failure | None = None
    waiting: tuple[str, ...] = ()


class Column(msgspec.Struct, frozen=True):
    """One column of the chart: a context, and the CPU or other group that it stands under."""

    name: str
    group: str = ""


class Record(msgspec.Struct, frozen=True):
    """One execution as a person sees it."""

    scenario: str
    question: str
    parameters: tuple[tuple[str, str], ...]
    model: str
    columns: tuple[Column, ...]
    steps: tuple[Step, ...]
    violation: Violation | None = None
    budgets: tuple[tuple[str, int], ...] = ()
    ending: str = ""
    fix: str = ""
