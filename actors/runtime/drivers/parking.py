"""Parking: one task waits in one place, until somebody wakes it or it is cancelled.

Trio's events and memory channels cost two checkpoints a message; a parked task costs one switch. What
`reschedule` demands in return is that a task be woken exactly once, and a cancelled task has been woken by
Trio already. So the cancellation clears the place, and waking an empty place does nothing.
"""

from typing import Any

from trio.lowlevel import Abort, RaiseCancelT, Task, current_task, reschedule, wait_task_rescheduled


class Parking:
    """A place for one task; `park` waits there for the value that `wake` brings.

    It is itself the function that Trio calls when the waiting task is cancelled.
    """

    __slots__ = ("_task", "_value")

    def __init__(self) -> None:
        self._task: Task | None = None
        self._value: Any = None

    async def park(self) -> Any:
        """Wait here, and return what `wake` was given."""
        self._task = current_task()
        await wait_task_rescheduled(self)
        return self._value

    def __call__(self, _: RaiseCancelT) -> Abort:
        """Take note that Trio wakes the task itself, since it is cancelled."""
        self._task = None
        return Abort.SUCCEEDED

    def wake(self, value: Any = None) -> None:
        """Let the task that waits here go on with `value`; if none does, nothing happens."""
        task = self._task
        if task is not None:
            self._task = None
            self._value = value
            reschedule(task)
