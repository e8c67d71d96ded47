"""Questions about orders as tests: decorators for pytest, and Hypothesis strategies.

    from actors.testing import explores, verifies, schedules

`explores` and `verifies` (`questions`) make a test of a scenario, or of a function that builds a world (`subjects`):
what is asked, what it may answer (`answers`), and how a failure is told. `plugin` is what pytest loads: it lends each test
a `context`, so that a token that failed is kept (`failed`) and replayed first on the next run.

`schedules` (`strategies`) draws executions of a world, each a `Run` (`run`), by choices that Hypothesis shrinks (`drawing`,
`player`).
`guest_programs` and `host_programs` (`programs`) draw what runs on a Machine: instructions as data, which `guest_code` and
`host_code` (`interpreters`) carry out.

Names are imported when they are first asked for: pytest loads this package at each start, in projects too that have no use
for it, and must pay nothing for that.

May import: everything; of `actors.cli` the words of answers alone. Nobody imports it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.testing.interpreters import (
        InKernel,
        InterruptsOff,
        PreemptOff,
        Reschedule,
        guest_code,
        host_code,
    )
    from actors.testing.programs import guest_programs, host_programs
    from actors.testing.questions import explores, verifies
    from actors.testing.run import Run, Violated
    from actors.testing.strategies import schedules

__all__ = [
    "InKernel",
    "InterruptsOff",
    "PreemptOff",
    "Reschedule",
    "Run",
    "Violated",
    "explores",
    "guest_code",
    "guest_programs",
    "host_code",
    "host_programs",
    "schedules",
    "verifies",
]

_HOMES = {
    "explores": "questions",
    "verifies": "questions",
    "schedules": "strategies",
    "Run": "run",
    "Violated": "run",
    "guest_programs": "programs",
    "host_programs": "programs",
    **dict.fromkeys(
        ("InKernel", "InterruptsOff", "PreemptOff", "Reschedule", "guest_code", "host_code"), "interpreters"
    ),
}

_OPTIONAL = {"hypothesis": "Hypothesis", "pytest": "pytest"}
"""What vmrace itself does not install, and how it is called."""


def __getattr__(name: str) -> Any:
    """Import the home of a name; raises ImportError in one line where what it needs is not installed."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _OPTIONAL:
            raise
        raise ImportError(
            f"{__name__}.{name} needs {_OPTIONAL[missing]}, which is not installed: pip install 'vmrace[pytest]'"
        ) from None
