"""Choosers of orders that a story is told in, beside those of the conftest."""


def pending(execution, name):
    """What a program is about to send, as text."""
    request = execution.running[name].pending
    return request.to.describe(request.message) if request is not None else ""


class InTurn:
    """Whoever stands first in `names` and can go, goes."""

    def __init__(self, *names):
        self._names = names

    def program(self, execution, enabled):
        del execution
        places = {running.name: at for at, running in enumerate(enabled)}
        return next((places[name] for name in self._names if name in places), 0)

    def outcome(self, execution, running, count):
        del execution, running, count
        return 0


class Nested:
    """softirq0's interrupt when the task is about to send a NOP; `second`'s when softirq0 is about to send `inside`."""

    def __init__(self, second, inside):
        self._second = second
        self._inside = inside

    def program(self, execution, enabled):
        wanted = "softirq0" if pending(execution, "task") == "nop" else ""
        if pending(execution, "softirq0").startswith(self._inside):
            wanted = self._second
        return next((at for at, one in enumerate(enabled) if one.name == wanted), 0)

    def outcome(self, execution, running, count):
        del execution, running, count
        return 0


class Failing:
    """The first who can go; of several outcomes the last, so an allocation fails."""

    def program(self, execution, enabled):
        del execution, enabled
        return 0

    def outcome(self, execution, running, count):
        del execution, running
        return count - 1
