"""One execution of a world: its cells, its programs' pending messages, and the rules by which steps change them.

This is the meaning of a world, apart from how it is driven. A driver decides when a program may run on and which actor
handles a message; it calls `enabled` for what may happen, `handle` to let one pending message happen, and `settle` when all
programs are parked again. The world's cells live here and nowhere else.
"""

from collections.abc import Iterable
from typing import Any, Literal, Protocol

from actors.runtime.conditions import Condition
from actors.runtime.device import Footprint, Outcome, Outcomes, Retry
from actors.runtime.errors import FootprintError, ModelError, Nondeterminism
from actors.runtime.life import Spawn
from actors.runtime.running import Running
from actors.runtime.values import check_program, check_value, same, show
from actors.runtime.watchdog import WATCHDOG
from actors.runtime.world import World
from protocol.handles import Cell, Label
from protocol.records import Failure, Violation

Ending = Literal["finished", "violated", "limit", "stopped"]


class Observer(Protocol):
    """Somebody who writes down each step; see `recorder`."""

    def handled(self, execution: "Execution", running: Running, before: dict[Cell, Any], outcome: Outcome) -> None:
        """A message has been handled; its program has not moved yet."""

    def settled(self, execution: "Execution") -> None:
        """All programs are parked again."""


class Execution:
    """The state of one execution.

    `checked` makes it verify on the way what a sample is enough for: that messages, replies and cell values are values, and
    that programs repeat themselves (see `determinism`). `only` limits the `always` conditions to those of these names.
    """

    def __init__(
        self,
        world: World,
        *,
        checked: bool = False,
        only: frozenset[str] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.world = world
        self.checked = checked
        self.observer = observer
        self.cells: dict[Cell, Any] = dict(world.cells)
        self.running: dict[str, Running] = {}
        self.order: list[Running] = []
        self.steps = 0
        self.last: Running | None = None
        self.ending: Ending | None = None
        self.violation: Violation | None = None
        self.met: set[str] = set()
        self._conditions = [c for c in world.conditions if c.mode == "sometimes" or only is None or c.name in only]
        self._dirty: set[Cell | Label] = set()
        self.choices: list[int] = []
        self._required = 0
        self._failures: list[Failure] = []
        self._labels_before: dict[str, dict[str, object]] = {}

    # Programs come and go.

    def create(self) -> list[Running]:
        """Make the programs that are there from the start; the driver advances each of them once."""
        return [
            self._add(Running(spec.handle, spec.function, spec.args, spec.key)) for spec in self.world.programs
        ]

    def _add(self, running: Running) -> Running:
        if running.name in self.running:
            raise ModelError(f"there are two programs called {running.name!r}; give a spawn another name=")
        self.running[running.name] = running
        self.order.append(running)
        self.order.sort(key=lambda one: one.key)
        self._required += not running.background
        return running

    def advanced(self, running: Running) -> None:
        """Take note that a program has run on: it is parked again, or has ended."""
        if running.labels or running.name in self._labels_before:
            self._note_labels(running)
        if running.pending is None:
            if running.failure is None:
                self._write(running.handle.life, False)
            else:
                self._failures.append(running.failure)
            self.order.remove(running)
            self._required -= not running.background
        elif self.checked:
            check_value(running.pending.message, f"{running.where()}: message of {running.name}")

    def _note_labels(self, running: Running) -> None:
        before = self._labels_before.get(running.name, {})
        for name in {**before, **running.labels}:
            if before.get(name) is not running.labels.get(name):
                self._dirty.add(Label(running.name, name))
                check_value(running.labels.get(name), f"label {name} of {running.name}")
        self._labels_before[running.name] = dict(running.labels)

    # What may happen.

    def enabled(self) -> list[Running]:
        """Return the programs whose pending message can be handled, in the default order.

        The default order is: whoever took the last step, then required programs in order of creation, then background ones.
        """
        found = [running for running in self.order if (running.outcomes or self.outcomes(running))]
        last = self.last
        if last is not None and last in found and found[0] is not last:
            found.remove(last)
            found.insert(0, last)
        return found

    def outcomes(self, running: Running) -> Outcomes:
        """Return the outcomes of a program's pending message; none if it is not enabled."""
        if running.outcomes is None:
            footprint = self.footprint(running)
            running.outcomes = self._evaluate(running, footprint)
        return running.outcomes

    def footprint(self, running: Running) -> Footprint:
        """Return the cells that handling the pending message touches, those read to find them included."""
        if running.footprint is None:
            request = running.pending
            assert request is not None
            asked: list[Cell] = []

            def read(cell: Cell) -> Any:
                asked.append(cell)
                return self.cells[cell]

            WATCHDOG.enter(request.to.name)
            try:
                declared = request.to.footprint(running.handle, request.message, read)
            except (KeyError, TypeError, AttributeError) as error:
                raise ModelError(f"{running.where()}: {request.to.name} cannot take this message: {error}") from error
            finally:
                WATCHDOG.leave()
            running.cells = frozenset((*asked, *declared.reads, *declared.writes))
            running.footprint = Footprint((*asked, *declared.reads), declared.writes, declared.actor)
            unknown = [cell.name for cell in running.cells if cell not in self.cells and not self._unborn(request, cell)]
            if unknown:
                raise ModelError(f"{running.where()}: {request.to.name} touches {unknown[0]!r}, a cell that this world lacks")
        return running.footprint

    @staticmethod
    def _unborn(request: Any, cell: Cell) -> bool:
        return isinstance(request.message, Spawn) and cell == request.message.child.life

    def _evaluate(self, running: Running, footprint: Footprint) -> Outcomes:
        request = running.pending
        assert request is not None
        cells = self.cells
        values = {cell: cells[cell] for cell in (*footprint.reads, *footprint.writes) if cell in cells}
        WATCHDOG.enter(request.to.name)
        try:
            return request.to.handle(running.handle, request.message, values)
        except KeyError as error:
            if error.args and isinstance(error.args[0], Cell):
                name = error.args[0].name
                raise FootprintError(
                    f"{running.where()}: device {request.to.name} reads cell {name!r} outside its footprint "
                    f"when it handles {type(request.message).__name__}"
                ) from error
            return (Outcome(Raised(error)),)
        except Exception as error:  # noqa: BLE001  # a device that raises is a finding
            return (Outcome(Raised(error)),)
        finally:
            WATCHDOG.leave()

    # What happens.

    def handle(self, running: Running, index: int) -> Any:
        """Let one pending message happen, with that outcome; return the reply, or RETRY.

        The device is asked again, in the same stretch as the cells are written, and must answer the same.
        """
        request = running.pending
        assert request is not None
        footprint = self.footprint(running)
        outcome = self._evaluate(running, footprint)[index]
        noted = running.outcomes
        if noted is not None and not (outcome is noted[index] or self._agree(outcome, noted[index])):
            raise Nondeterminism(
                f"step {self.steps + 1}, {running.where()}: device {request.to.name} answered "
                f"{type(request.message).__name__} from {running.name} in two ways on the same values"
            )
        if isinstance(outcome.reply, Raised):
            running.fail(outcome.reply.error)
            self.steps += 1
            return None
        self._commit(running, footprint, outcome)
        return outcome.reply

    @staticmethod
    def _agree(one: Outcome, other: Outcome) -> bool:
        if isinstance(one.reply, Raised) or isinstance(other.reply, Raised):
            return isinstance(one.reply, Raised) and isinstance(other.reply, Raised)
        return same(one, other)

    def _commit(self, running: Running, footprint: Footprint, outcome: Outcome) -> None:
        before = {cell: self.cells.get(cell) for cell in running.cells} if self.observer is not None else {}
        for cell, value in outcome.writes:
            if cell not in footprint.writes:
                assert running.pending is not None
                raise FootprintError(
                    f"{running.where()}: device {running.pending.to.name} writes cell {cell.name!r} outside its footprint "
                    f"when it handles {type(running.pending.message).__name__}"
                )
            if self.checked:
                check_value(value, f"value of cell {cell.name}")
            self._write(cell, value)
        if self.checked and not isinstance(outcome.reply, Retry):
            check_value(outcome.reply, f"reply to {running.name}")
        running.outcomes = None
        running.footprint = None
        running.actor = footprint.actor
        self.steps += 1
        self.last = running
        if self.observer is not None:
            self.observer.handled(self, running, before, outcome)

    def spawned(self, running: Running) -> Running | None:
        """Return the new program if the message just handled was a spawn."""
        message = running.pending.message if running.pending is not None else None
        if not isinstance(message, Spawn):
            return None
        check_program(message.function, message.args, message.child.name)
        place = message.child.name[len(running.name) + 1 :]
        step = (0, int(place), "") if place.isdigit() else (1, 0, place)
        key = (message.background, *running.key[1:], step)
        return self._add(Running(message.child, message.function, message.args, key))

    @property
    def over(self) -> bool:
        """Whether no required program is left, or one has failed."""
        return self._required == 0 or bool(self._failures)

    def _write(self, cell: Cell, value: Any) -> None:
        if self.cells.get(cell) is value and cell in self.cells:
            return
        self.cells[cell] = value
        self._dirty.add(cell)
        for other in self.order:
            if cell in other.cells:
                other.outcomes = None
                other.footprint = None

    def settle(self, *, limit: int | None = None) -> None:
        """All programs are parked: check what the last step changed, and see whether the execution is over."""
        failures = self._failures
        broken = self._check()
        if self.observer is not None:
            self.observer.settled(self)
        if failures or broken:
            self.ending = "violated"
            self.violation = _violation(broken, failures)
        elif self._required == 0:
            self.ending = "finished"
        elif limit is not None and self.steps >= limit:
            self.ending = "limit"

    def _check(self) -> list[Condition]:
        dirty, self._dirty = self._dirty, set()
        first = self.steps == 0
        broken = []
        for condition in self._conditions:
            if condition.mode == "sometimes" and condition.name in self.met:
                continue
            if (first or not dirty.isdisjoint(condition.reads)) and self._decide(condition) != (condition.mode == "always"):
                if condition.mode == "always":
                    broken.append(condition)
                else:
                    self.met.add(condition.name)
        return broken

    def _decide(self, condition: Condition) -> bool:
        WATCHDOG.enter(f"condition {condition.name}")
        try:
            return condition.holds(tuple(self.read(target) for target in condition.reads))
        except Exception as error:
            raise ModelError(f"condition {condition.name!r} raised {type(error).__name__}: {error}") from error
        finally:
            WATCHDOG.leave()

    def read(self, target: Cell | Label) -> Any:
        """Return the value of a cell, or of a label (None until its program sets it)."""
        if isinstance(target, Cell):
            return self.cells.get(target)
        owner = self.running.get(target.program)
        return owner.labels.get(target.name) if owner is not None else None

    def deadlock(self) -> None:
        """End the execution as a deadlock: nobody is enabled and a required program is unfinished."""
        waiting = tuple(self._waits(running) for running in self.order)
        names = [running.name for running in self.order if not running.background]
        self.ending = "violated"
        self.violation = Violation(("deadlock",), "symptom", f"deadlock: {', '.join(names)} can never go on", None, waiting)

    def _waits(self, running: Running) -> str:
        assert running.pending is not None
        function, file, line = running.place()
        cells = sorted(running.cells, key=lambda cell: cell.name)
        state = ", ".join(f"{cell.name} = {show(self.cells[cell])[:60]}" for cell in cells if cell in self.cells)
        text = running.pending.to.describe(running.pending.message)
        return f"{running.name} waits for {text} in {function} ({file}:{line}); {state}"

    def close(self) -> None:
        """End all programs that have not ended; raises SwallowedTeardown for one that goes on."""
        first: ModelError | None = None
        for running in self.order:
            try:
                running.close()
            except ModelError as error:
                first = first or error
        self.order = []
        if first is not None:
            raise first


class Raised:
    """In place of a reply while a step is evaluated: the device raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _violation(broken: Iterable[Condition], failures: list[Failure]) -> Violation:
    """Put together what went wrong in one step."""
    broken = list(broken)
    names = [condition.name for condition in broken]
    names += [f"{failure.program}: {failure.type}" for failure in failures]
    texts = [failure.text or failure.type for failure in failures] + [condition.name for condition in broken]
    symptom = bool(failures) or any(condition.kind == "symptom" for condition in broken)
    kind: Literal["symptom", "hygiene"] = "symptom" if symptom else "hygiene"
    return Violation(tuple(names), kind, "; ".join(texts), failures[0] if failures else None)
