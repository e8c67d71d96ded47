"""Strategies on live programs: under Trio's control, or stepped directly where tables would not pay.

`Chosen` lets a strategy be the chooser of an execution, whoever drives it. `step_through` drives one without
Trio and without tables: a world whose states never repeat fills tables for nothing. It does what the
controlled session of the Trio driver does, in the same order, with one coroutine after the other.
"""

from collections.abc import Hashable
from typing import Any

from actors.explore.sampled.position import Offer, Strategy
from actors.runtime.answers import Answers
from actors.runtime.device import Retry
from actors.runtime.execution import Execution
from actors.runtime.life import Spawn
from actors.runtime.running import Running
from actors.runtime.schedule import Chooser
from actors.runtime.world import World


class Chosen:
    """A strategy as a chooser; it is the Position that the strategy sees."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._interned: dict[Any, int] = {}
        self._execution: Execution | None = None
        self._offers: tuple[Offer, ...] | None = None
        self._enabled: list[Running] = []
        self._offer: Offer | None = None

    @property
    def steps(self) -> int:
        """How many steps have been taken."""
        return self._execution.steps if self._execution is not None else 0

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The programs that are enabled, by creation."""
        if self._offers is None:
            self._offers = tuple(map(self._offered, self._enabled))
        return self._offers

    @property
    def state(self) -> Hashable:
        """Where all programs stand, since how many steps, and the values of all cells."""
        if self._execution is None:
            return None
        programs = tuple(
            (one.name, one.steps, one.pending is None, self._place(one)) for one in self._execution.order
        )
        return hash((programs, tuple(self._execution.cells.values())))

    def labelled(self, program: str, label: str) -> bool:
        """Say whether a label of a program is set."""
        running = self._execution.running.get(program) if self._execution is not None else None
        return running is not None and bool(running.labels.get(label))

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Ask the strategy, which counts in the order of creation."""
        self._execution = execution
        self._enabled = sorted(enabled, key=lambda running: running.key)
        self._offers = None
        place = self._strategy.program(self)
        self._offer = None if self._offers is None else self._offers[place]
        return enabled.index(self._enabled[place])

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Ask the strategy."""
        del execution, count
        return self._strategy.outcome(self, self._offer or self._offered(running))

    def ended(self, execution: Execution) -> None:
        """Tell the strategy."""
        self._execution, self._offers = execution, None
        self._enabled = execution.enabled() if execution.ending == "limit" else []
        self._strategy.ended(self)

    def _offered(self, running: Running) -> Offer:
        assert self._execution is not None
        assert running.pending is not None
        outcomes = self._execution.outcomes(running)
        footprint = self._execution.footprint(running)
        where = self._place(running)
        answers = tuple(
            self._number((where, one.label, isinstance(one.reply, Retry) or one.reply)) for one in outcomes
        )
        return Offer(
            running.name,
            len(outcomes),
            where,
            footprint.reads,
            footprint.writes,
            local=type(running.pending.message) is Spawn or not (footprint.reads or footprint.writes),
            kind=self._number((where, footprint.reads, footprint.writes, answers)),
            answers=answers,
        )

    def _place(self, running: Running) -> int:
        message = running.pending.message if running.pending is not None else None
        return self._number((running.lines(), type(message)))

    def _number(self, key: Any) -> int:
        return self._interned.setdefault(key, len(self._interned))


def step_through(
    world: World, chooser: Chooser, *, limit: int, only: frozenset[str] | None, answers: Answers
) -> Execution:
    """Run one execution to its end, or for at most `limit` steps, on coroutines alone."""
    execution = Execution(world, only=only, answers=answers)
    try:
        for running in execution.create():
            _advance(execution, running, None)
        execution.settle(limit=limit)
        while execution.ending is None:
            _step(execution, chooser)
            if execution.ending is None:
                execution.settle(limit=limit)
    except BaseException:
        execution.abandon()
        raise
    execution.close()
    return execution


def _step(execution: Execution, chooser: Chooser) -> None:
    enabled = execution.enabled()
    if not enabled:
        execution.deadlock()
        return
    choice = chooser.program(execution, enabled)
    execution.choices.append(choice)
    running = enabled[choice]
    count = len(execution.outcomes(running))
    index = 0
    if count > 1:
        index = chooser.outcome(execution, running, count)
        execution.choices.append(index)
    reply = execution.handle(running, index)
    child = execution.spawned(running)
    if child is not None:
        _advance(execution, child, None)
    if type(reply) is not Retry:
        _advance(execution, running, reply)


def _advance(execution: Execution, running: Running, reply: Any) -> None:
    if running.failure is None:
        running.advance(reply)
    execution.advanced(running)
