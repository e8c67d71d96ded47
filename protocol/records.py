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
    event that the step is, or empty; `labels` are those that the program set right after it. `distance` says how many
    dependences away from the symptom it is, None where it is not on the way to it or nobody has looked. A `notable` one has a
    reply that is nobody's ordinary course: it is always told, and why it was given. `caller` is the nearest function of another
    package that `function` works for, or empty.
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
    distance: int | None = None
    notable: bool = False
    caller: str = ""


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


class Window(msgspec.Struct, frozen=True):
    """Two steps of one context, between which steps of others have to fall for the violation; None: any time will do.

    `last`, the last of those steps, must come behind `opens`, and `first` before `closes`. In an order in which they do
    not, nothing is violated.
    """

    opens: Step | None
    closes: Step | None
    first: Step
    last: Step


class Flip(msgspec.Struct, frozen=True):
    """The smallest change that passes: `first` before `second`, or `first` with another outcome.

    `cells` are those that both steps touch and one of them writes: the race. `token` is the order that passes; it has
    the same events. Where it is not `alone`, no single change passes, and more is changed behind it.
    """

    first: Step
    second: Step | None
    token: str
    cells: tuple[str, ...] = ()
    outcome: str = ""
    alone: bool = True


class Need(msgspec.Struct, frozen=True):
    """How many events of a class the violation takes at `least`, of so many that there may be; None: not known."""

    event: str
    least: int | None
    budget: int


class Explanation(msgspec.Struct, frozen=True):
    """Why an execution violates what it does; each part was found by running others like it, or is not there.

    `hopeless` says that there can be no flip: no order of the same events passes, and all of them have so many states.
    """

    window: Window | None = None
    flip: Flip | None = None
    needs: tuple[Need, ...] = ()
    hopeless: int | None = None


class Record(msgspec.Struct, frozen=True):
    """One execution as a person sees it; with an `explanation` its steps say which of them matter."""

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
    explanation: Explanation | None = None
