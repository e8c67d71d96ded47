"""Who decides: how a driver asks for the next choice, and the choices that need no strategy.

The choices of an execution are numbers, counted from the default order (`Execution.enabled`): for each step
which of the enabled programs, 0 being the one that would go on by default; then, where the message has
several outcomes, which of them.
"""

from collections.abc import Sequence
from typing import Protocol

from actors.runtime.errors import Divergence
from actors.runtime.execution import Execution
from actors.runtime.running import Running


class Chooser(Protocol):
    """Makes the choices of one execution."""

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Return the index of the program whose message is handled next; asked even if there is only one."""

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Return the index of the outcome that the hardware takes; asked only if there are several."""


class Default:
    """The default order: everybody runs as long as possible, and the first outcome is taken."""

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Take the first."""
        del execution, enabled
        return 0

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Take the first."""
        del execution, running, count
        return 0


class Follow:
    """The choices of a recorded schedule, and after their end the default order.

    Raises Divergence where the execution does not offer what was recorded.
    """

    def __init__(self, choices: Sequence[int]) -> None:
        self._choices = choices
        self._at = 0

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Take the recorded one."""
        return self._next(execution, len(enabled), "enabled programs")

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Take the recorded one."""
        del running
        return self._next(execution, count, "outcomes")

    def _next(self, execution: Execution, count: int, of: str) -> int:
        if self._at >= len(self._choices):
            return 0
        choice = self._choices[self._at]
        self._at += 1
        if choice >= count:
            raise Divergence(
                f"the schedule asks for number {choice + 1} of {count} {of} at step {execution.steps + 1}"
            )
        return choice


class FollowLog:
    """The log of a free-running execution, as (program, outcome) in the order of handling.

    Raises Divergence if a logged message is not enabled: every log is a legal controlled schedule.
    """

    def __init__(self, log: Sequence[tuple[str, int]]) -> None:
        self._log = log

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Take the program that the log names; after its end, the default."""
        if execution.steps >= len(self._log):
            return 0
        name = self._log[execution.steps][0]
        for index, running in enumerate(enabled):
            if running.name == name:
                return index
        raise Divergence(f"step {execution.steps + 1} of the log is {name}'s, whose message is not enabled")

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Take the outcome that the log names."""
        del running
        index = self._log[execution.steps][1] if execution.steps < len(self._log) else 0
        return min(index, count - 1)
