"""One execution of a world: its cells, its programs' pending messages, and how steps change them.

This is the meaning of a world, apart from how it is driven. A driver decides when a program may run on and
which actor handles a message; it calls `enabled` for what may happen, `handle` to let one pending message
happen, and `settle` when all programs are parked again. The world's cells live here and nowhere else.

What devices answer is kept until a cell of the footprint changes; so a step costs what it touches, not what
there is.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from actors.runtime import endings
from actors.runtime.conditions import Watch
from actors.runtime.device import Footprint, Outcome, Outcomes, Retry
from actors.runtime.errors import ModelError
from actors.runtime.evaluation import (
    Raised,
    agree,
    check_gate,
    evaluate,
    in_two_ways,
    touched_by,
    written_outside,
)
from actors.runtime.life import Spawn, child_key
from actors.runtime.running import Running
from actors.runtime.shapes import check_request
from actors.runtime.values import check_program, check_value
from actors.runtime.watchdog import WATCHDOG
from actors.runtime.world import World
from protocol.handles import Cell, Label

if TYPE_CHECKING:
    from actors.runtime.answers import Answers
    from actors.runtime.evaluation import Touched
    from protocol.records import Violation

Ending = Literal["finished", "violated", "limit", "stopped"]


class Observer(Protocol):
    """Somebody who writes down each step; see `recorder`."""

    def handled(
        self, execution: "Execution", running: Running, before: dict[Cell, Any], outcome: Outcome
    ) -> None:
        """Take note of a handled message; its program has not moved yet."""

    def settled(self, execution: "Execution") -> None:
        """Take note that all programs are parked again."""


class Execution:
    """The state of one execution.

    `checked` makes it verify on the way what a sample is enough for: that messages, replies and cell values
    are values, that devices repeat their footprints and the types of their answers, and (see `determinism`)
    programs what they send. `only` limits the `always` conditions to those of these names.
    """

    def __init__(
        self,
        world: World,
        *,
        checked: bool = False,
        only: frozenset[str] | None = None,
        observer: Observer | None = None,
        answers: "Answers | None" = None,
    ) -> None:
        self.world = world
        self.checked = checked
        self.observer = observer
        self.cells: dict[Cell, Any] = dict(world.cells)
        self.running: dict[str, Running] = {}
        self.order: list[Running] = []
        self.choices: list[int] = []
        self.steps = 0
        self.last: Running | None = None
        self.ending: Ending | None = None
        self.violation: Violation | None = None
        self._answers = None if checked else answers
        self._watch = Watch(world.checks(only), self.read, twice=checked)
        self._dirty: set[Cell | Label] = set()
        self._required = 0
        self._failed: list[Running] = []
        self._stretch = WATCHDOG.stretch

    # Programs come and go.

    def create(self) -> list[Running]:
        """Make the programs that are there from the start; the driver advances each of them once."""
        for spec in self.world.programs:
            self._add(Running(spec.handle, spec.function, spec.args, spec.key, keeps=self.checked))
        return list(self.order)

    def _add(self, running: Running) -> Running:
        self.running[running.name] = running
        self.order.append(running)
        self.order.sort(key=_key)
        self._required += not running.background
        return running

    def spawned(self, running: Running) -> Running | None:
        """Return the new program if the message just handled was a spawn."""
        message = running.pending.message if running.pending is not None else None
        if type(message) is not Spawn:
            return None
        name = message.child.name
        if name in self.running:
            raise ModelError(
                f"{running.where()}: there are two programs called {name!r}; give this spawn another name="
            )
        if message.child.life in self.world.cells:
            raise ModelError(f"{running.where()}: there is a cell called {message.child.life.name!r} already")
        try:
            check_value(message.function, f"program that {running.name} spawns")
            check_program(message.function, message.args, name)
        except ModelError as error:
            raise type(error)(f"{running.where()}: {error}") from None
        key = child_key(running.key, running.name, message)
        return self._add(Running(message.child, message.function, message.args, key, keeps=self.checked))

    def advanced(self, running: Running) -> None:
        """Take note that a program has run on: it is parked again, or has ended."""
        if running.relabelled:
            self._dirty.update(Label(running.name, name) for name in running.relabelled)
            running.relabelled.clear()
        if self.checked:
            running.calls.check(running.name)
        if running.pending is None:
            self._ended(running)
        elif self.checked:
            check_request(running)
            check_value(running.pending.message, lambda: f"{running.where()}: message of {running.name}")
            check_value(running.pending.to, lambda: f"{running.where()}: device that {running.name} sends to")

    def _ended(self, running: Running) -> None:
        if running.failure is None:
            self._write(running.handle.life, False)
        else:
            self._failed.append(running)
        self.order.remove(running)
        self._required -= not running.background

    # What may happen.

    def enabled(self) -> list[Running]:
        """Return the programs whose pending message can be handled, in the default order.

        The default order is: whoever took the last step, then required programs in order of creation, then
        background ones.
        """
        found = []
        for running in self.order:
            outcomes = running.outcomes
            if outcomes is None:
                outcomes = self.outcomes(running)
            if outcomes:
                found.append(running)
        last = self.last
        if last is not None and found and found[0] is not last and last in found:
            found.remove(last)
            found.insert(0, last)
        return found

    def outcomes(self, running: Running) -> Outcomes:
        """Return the outcomes of a program's pending message; none if it is not enabled."""
        found = running.outcomes
        if found is None:
            answers = self._answers
            if answers is not None:
                found = answers.recall(self.cells, running)
            running.outcomes = found = self._ask(running) if found is None else found
        return found

    def _ask(self, running: Running) -> Outcomes:
        touched = self._touched(running)
        self._stretch.enter()
        try:
            if self._answers is None:
                outcomes = evaluate(self.cells, running, touched)
                check_gate(self.cells, running, touched, outcomes)
                return outcomes
            return self._answers.outcomes(self.cells, running, touched)
        finally:
            self._stretch.leave()

    def footprint(self, running: Running) -> Footprint:
        """Return the cells that handling the pending message touches, those read to find them included."""
        return (running.touched or self._touched(running)).footprint

    def _touched(self, running: Running) -> "Touched":
        touched: Touched | None = running.touched
        if touched is None:
            self._stretch.enter()
            try:
                find = touched_by if self._answers is None else self._answers.touched
                touched = running.touched = find(self.cells, running)
            finally:
                self._stretch.leave()
            running.cells = touched.cells
        return touched

    # What happens.

    def handle(self, running: Running, index: int) -> Any:
        """Let one pending message happen, with that outcome; return the reply, or RETRY.

        A checked execution asks the device again, in the same stretch as the cells are written, and it must
        answer the same.
        """
        outcome = (running.outcomes or self.outcomes(running))[index]
        touched = running.touched or self._touched(running)
        if self.checked:
            self._ask_again(running)
            touched = running.touched
        before = {cell: self.cells.get(cell) for cell in running.cells} if self.observer is not None else {}
        running.actor = touched.footprint.actor
        self.steps += 1
        self.last = running
        if type(outcome.reply) is Raised:
            return self._device_raised(running, before, outcome.reply.error)
        if self.checked:
            self._check_values(running, outcome)
        allowed = touched.footprint.writes
        for cell, value in outcome.writes:
            if cell not in allowed:
                raise written_outside(running, cell)
            self._write(cell, value)
        running.outcomes = running.touched = None
        if self.observer is not None:
            self.observer.handled(self, running, before, outcome)
        return outcome.reply

    def _ask_again(self, running: Running) -> None:
        footprint, outcomes = self.footprint(running), self.outcomes(running)
        running.touched = running.outcomes = None
        if self.footprint(running) != footprint or not agree(self.outcomes(running), outcomes):
            raise in_two_ways(running)

    def _device_raised(self, running: Running, before: dict[Cell, Any], error: BaseException) -> None:
        if self.observer is not None:
            self.observer.handled(self, running, before, Outcome(label=f"raised {type(error).__name__}"))
        running.fail(error)

    @staticmethod
    def _check_values(running: Running, outcome: Outcome) -> None:
        for cell, value in outcome.writes:
            check_value(value, partial(_written, running, cell))
        if not isinstance(outcome.reply, Retry):
            check_value(outcome.reply, lambda: f"{running.where()}: reply to {running.name}")

    def _write(self, cell: Cell, value: Any) -> None:
        cells = self.cells
        if cells.get(cell, cells) is value:
            return
        cells[cell] = value
        self._dirty.add(cell)
        for other in self.order:
            if cell in other.cells:
                other.outcomes = None
                if other.touched is not None and cell in other.touched.asked:
                    other.touched = None

    # How it stands.

    @property
    def met(self) -> set[str]:
        """The names of the `sometimes` conditions that have held."""
        return self._watch.met

    @property
    def over(self) -> bool:
        """Whether no required program is left, or one has failed."""
        return self._required == 0 or bool(self._failed)

    def settle(self, *, limit: int | None = None) -> None:
        """Check what the last step changed, now that all are parked, and whether the execution is over."""
        broken = self._watch.broken(self._dirty) if self.steps else self._watch.first()
        self._dirty.clear()
        if self._failed or broken:
            self.ending = "violated"
            # Two may fail in one step, a program and its child: in the default order, not in that of the tasks.
            failed = sorted(self._failed, key=_key)
            failures = [one.failure for one in failed if one.failure]
            self.violation = endings.violation(broken, failures, self.read)
        elif self._required == 0:
            self.ending = "finished"
        elif limit is not None and self.steps >= limit:
            self.ending = "limit"
        if self.observer is not None:
            self.observer.settled(self)

    def read(self, target: Cell | Label) -> Any:
        """Return the value of a cell, or of a label (None until its program sets it)."""
        if isinstance(target, Cell):
            return self.cells.get(target)
        owner = self.running.get(target.program)
        return owner.labels.get(target.name) if owner is not None else None

    def deadlock(self) -> None:
        """End the execution as a deadlock: nobody is enabled and a required program is unfinished."""
        self.ending = "violated"
        self.violation = endings.deadlock(self.order, self.cells)
        if self.observer is not None:
            self.observer.settled(self)

    def close(self) -> None:
        """End all programs that have not ended; raises SwallowedTeardown for one that goes on."""
        error = self.abandon()
        if error is not None:
            raise error

    def abandon(self) -> ModelError | None:
        """End all programs that have not ended, and return the first SwallowedTeardown, if any."""
        first: ModelError | None = None
        for running in self.order:
            try:
                running.close()
            except ModelError as error:
                first = first or error
        self.order = []
        return first


def _key(running: Running) -> tuple[Any, ...]:
    return running.key


def _written(running: Running, cell: Cell) -> str:
    return f"{running.where()}: value of cell {cell.name}"
