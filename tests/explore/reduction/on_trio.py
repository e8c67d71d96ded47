"""A world searched on Trio: each state is reached by following a log from the first one, in an execution of its own.

Slow, and as plain as it can be. Two logs lead to one state if cells, behaviours and replies are the same.
"""

import contextlib

import trio

from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.values import typed
from protocol.handles import Cell
from tests.explore.reduction.facts import Facts
from tests.explore.reduction.worlds import HELD, build


class _Arrived(Exception):
    """The log has been followed to its end, and the execution would go on."""


class _Follow:
    """Follows a log; at its end it writes down where it stands and what could be done."""

    def __init__(self, log):
        self._log = iter(log)

    def program(self, execution, enabled):
        self._step = next(self._log, None)
        if self._step is None:
            self.key = _key(execution)
            self.options = [(one.name, i) for one in enabled for i in range(len(execution.outcomes(one)))]
            raise _Arrived
        return [one.name for one in enabled].index(self._step[0])

    def outcome(self, execution, running, count):  # noqa: ARG002  # told more than it needs
        return self._step[1]


class _Stand:
    """How the world stood when the last step had settled: an execution that has ended forgets."""

    def handled(self, execution, running, before, outcome):
        pass

    def settled(self, execution):
        self.cells = dict(execution.cells)
        self.labels = {name: dict(one.labels) for name, one in execution.running.items()}
        self.replies = {name: _replies(one) for name, one in execution.running.items()}

    def holds(self, condition):
        return condition.holds(tuple(map(self._read, condition.reads)))

    def _read(self, target):
        if isinstance(target, Cell):
            return self.cells.get(target)
        return self.labels.get(target.program, {}).get(target.name)

    def final(self):
        held = {cell.name: value for cell, value in self.cells.items()}
        return tuple(held[name] for name in HELD), frozenset(self.replies.items())


def _replies(running):
    return tuple(getattr(reply, "name", reply) for _, reply, _ in running.segments[-1].exchanges)


def _key(execution):
    cells = frozenset((cell.name, typed(value)) for cell, value in execution.cells.items())
    behaviours = [(one.name, one.segments[-1], _replies(one)) for one in execution.running.values()]
    return cells, frozenset(
        (name, segment.function, typed(segment.args), typed(replies)) for name, segment, replies in behaviours
    )


class _Search:
    def __init__(self, drawn):
        self.drawn = drawn
        self.conditions = build(drawn).conditions
        self.broken, self.met, self.failures, self.finals, self.clean = set(), set(), set(), set(), set()
        self.deadlock = False

    async def run(self):
        waiting, seen = [((), True)], set()
        async with open_driver(build(self.drawn)) as driver:
            while waiting:
                log, clean = waiting.pop()
                follow, stand = _Follow(log), _Stand()
                execution = None
                with contextlib.suppress(_Arrived):
                    execution = await driver.run(follow, checked=True, only=frozenset(), observer=stand)
                clean = self.look(stand) and clean
                if execution is not None:
                    self.ended(execution, stand, clean=clean)
                elif (follow.key, clean) not in seen:
                    seen.add((follow.key, clean))
                    waiting += [((*log, option), clean) for option in follow.options]

    def look(self, stand):
        """Note what is met and broken; return whether nothing is broken."""
        holding = {one.name for one in self.conditions if stand.holds(one)}
        self.met |= {one.name for one in self.conditions if one.mode == "sometimes"} & holding
        broken = {one.name for one in self.conditions if one.mode == "always"} - holding
        self.broken |= broken
        return not broken

    def ended(self, execution, stand, *, clean):
        if execution.ending == "finished":
            self.finals.add(stand.final())
            if clean:
                self.clean.add(stand.final())
        elif execution.violation.failure is None:
            self.deadlock = True
        for failure in [one.failure for one in execution.running.values() if one.failure is not None]:
            self.failures.add((failure.program, failure.text, failure.lines))


def search(drawn):
    """Return the Facts of a world."""
    found = _Search(drawn)
    trio.run(found.run)
    sets = map(frozenset, (found.broken, found.met, found.failures))
    return Facts(*sets, found.deadlock, frozenset(found.finals), frozenset(found.clean))
