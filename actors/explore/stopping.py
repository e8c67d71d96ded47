"""Stopping on request, between two steps.

Ctrl-C must end a search cleanly and with what was done so far, so it is not an exception that may come up
anywhere: it is a question asked before each step. Whoever chooses answers it by ending the execution.
"""

from collections.abc import Callable

from actors.runtime.execution import Execution
from actors.runtime.running import Running
from actors.runtime.schedule import Chooser

StopRequest = Callable[[], bool]


class Stop(Exception):  # not an error: somebody asked for it
    """Ends an execution because somebody asked to."""


class Stoppable:
    """A chooser that asks before each step whether to go on."""

    def __init__(self, chooser: Chooser, stop: StopRequest) -> None:
        self._chooser = chooser
        self._stop = stop
        self.outcome = chooser.outcome

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Choose, or raise Stop."""
        if self._stop():
            raise Stop
        return self._chooser.program(execution, enabled)


def never() -> bool:
    """Nobody asks to stop."""
    return False
