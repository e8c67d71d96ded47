"""One program while it runs: its coroutine, stepped from message to message.

`advance` gives the coroutine a reply and runs it until its next message or its end. Both drivers use it, so
that a program cannot tell them apart, and what is refused on one is refused on the other:

* Awaiting anything but a message (`trio.sleep`, a future) is a ForeignAwait, with the line, and so is opening a
  nursery or cancel scope: a program is stepped outside of any Trio task.
* An assertion that fails ends the program at that step. Python would still run `finally` and `__aexit__`; a
  message that they send raises at once instead of being sent, so the world ends in the state in which the
  assertion failed.
* Closing a program raises inside it in the same way. One that goes on nevertheless is reported.
* A program that neither sends nor ends is interrupted by the watchdog (see `watchdog`).

What these checks cannot see: a failed assertion that the program itself catches and forgets before it sends
again.
"""

import re
import sys
from collections.abc import Coroutine
from typing import Any

from actors.runtime import place
from actors.runtime.errors import ForeignAwait, ModelError, SwallowedTeardown
from actors.runtime.life import spawn_needs_name
from actors.runtime.program import CURRENT, Become, Behaviour, Send, body_of
from actors.runtime.routine import Calls
from actors.runtime.teardown import Closing, assertion_in, end
from actors.runtime.values import check_program, check_value
from actors.runtime.watchdog import WATCHDOG, Stuck
from protocol.handles import Program
from protocol.records import Failure

__plumbing__ = True

_PATIENCE = 100
_IDENTITY = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object in some repr: another one each time
_IN_NO_TASK = "must be called from async context"


class Segment:
    """One behaviour of a program with all that it sent and was replied: enough to run it again."""

    __slots__ = ("args", "exchanges", "function")

    def __init__(self, function: Behaviour, args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args
        self.exchanges: list[tuple[Send, Any, dict[str, object]]] = []


class Running:
    """A program in one execution.

    `pending` is the message that it is parked at, `left_at` the one that it was parked at when it was closed;
    `key` is its place in the default order; one that `keeps` its exchanges can be run again; `relabelled`
    names labels set since somebody last looked; `calls` are the routines that it is in.

    `outcomes`, `touched`, `question` and `cells` are the execution's notes on the pending message (see
    `evaluation` and `answers`, which build on this), None where they have to be found again; `actor` handled
    the last one.
    """

    def __init__(
        self,
        handle: Program,
        function: Behaviour,
        args: tuple[Any, ...],
        key: tuple[Any, ...],
        *,
        keeps: bool = True,
    ) -> None:
        self.handle = handle
        self.name = handle.name
        self.key = key
        self.background = bool(key[0])
        self.keeps = keeps
        self.segments = [Segment(function, args)]
        self.labels: dict[str, object] = {}
        self.relabelled: set[str] = set()
        self.pending: Send | None = None
        self.left_at: Send | None = None
        self.failure: Failure | None = None
        self.steps = 0
        self.outcomes: tuple[Any, ...] | None = None
        self.touched: Any = None
        self.question: Any = None
        self.cells: frozenset[Any] = frozenset()
        self.actor = ""
        self._spawned = 0
        self.closing = False
        self.outer_error: BaseException | None = None
        self._refusals = 0
        self._become_at = ""
        self._since = 0
        self.calls = Calls(self, trail=[] if keeps else None)
        self._refused: ModelError | None = None
        self._stretch = WATCHDOG.stretch
        self._coroutine = self._start(function, args)

    @property
    def finished(self) -> bool:
        """Whether the program has ended, well or by a failure."""
        return self.pending is None

    def _start(self, function: Behaviour, args: tuple[Any, ...]) -> Coroutine[Any, Any, Any]:
        try:
            coroutine: Coroutine[Any, Any, Any] = body_of(function)(*args)
        except TypeError as error:
            raise ModelError(
                f"program {self.name}: {error}, defined at {place.definition(function)}"
            ) from error
        if not hasattr(coroutine, "cr_frame"):
            raise ModelError(f"program {self.name}: {function.__qualname__} is not an `async def` function")
        return coroutine

    def advance(self, reply: Any = None) -> None:
        """Run to the next message, which is then `pending`, or to the end."""
        sent = self.pending
        if sent is not None:
            if self.keeps:
                self.segments[-1].exchanges.append((sent, reply, {**self.labels}))
            self.steps += 1
            self.pending = None
        self.calls.moved()
        self.outcomes = self.touched = self.question = None
        self.outer_error = sys.exc_info()[1]
        outer, CURRENT.program = CURRENT.program, self
        self._stretch.enter()
        try:
            self.pending = self._run(reply)
        finally:
            self._stretch.leave()
            CURRENT.program = outer

    def _run(self, reply: Any) -> Send | None:
        while True:
            try:
                request = self._coroutine.send(reply)
            except StopIteration as stop:
                self._check_refused()
                if self.failure is not None or not self._becomes(stop.value):
                    return None
                reply = None
                continue
            except Closing:
                return None  # an assertion failed, and what ran after it tried to send: `failure` is set
            except (ModelError, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001  # whatever a program raises is a finding
                self._raised(error)
                return None
            if type(request) is Send and self._refused is None and not self.closing and not self._become_at:
                return request
            self._check_refused()
            if self.closing:  # it caught Closing again and again, and would send for ever
                end(self._coroutine)
                return None
            if type(request) is not Send:
                raise self._foreign(request)
            raise self._not_returned()

    def _raised(self, error: BaseException) -> None:
        """Note that the program failed, or raise what it was refused with."""
        self._check_refused()
        if _asked_trio(error):
            raise self.foreign("used Trio", place.line_of_error(error)) from error
        self.failure = self.failure or self._as_failure(error)

    def _check_refused(self) -> None:
        """Raise what a call of the program was refused with, in case the program caught it."""
        if self._refused is not None:
            raise self._refused

    def _refuse(self, error: ModelError) -> ModelError:
        self._refused = error
        return error

    # Becoming.

    def _becomes(self, result: object) -> bool:
        if not isinstance(result, Become):
            if self._become_at:
                raise self._not_returned()
            return False
        if self.steps == self._since:
            self.became_without_a_step(result)
            return False
        self.takes_become()
        self._since = self.steps
        self.calls.clear()
        self.relabelled.update(self.labels)
        self.labels = {}
        self._spawned = -1  # histories are forgotten, so places are too: later spawns need a name
        self.segments.append(Segment(result.function, result.args))
        self._coroutine = self._start(result.function, result.args)
        return True

    def became_without_a_step(self, made: Become) -> None:
        """Fail: what begins anew and anew without a message would never end."""
        text = f"became {made.function.__qualname__} without a step in between: this loop never sends"
        self.failure = Failure(self.name, "become", text, (self._become_at,))
        self.closing = True

    def takes_become(self) -> None:
        """Note that the last Become was returned, as it has to be."""
        self._become_at = ""

    def _not_returned(self) -> ModelError:
        return ModelError(
            f"{self._become_at}: program {self.name}, after step {self.steps} of it: "
            "become(...) has to be returned: `return become(f, *state)`"
        )

    def note_become(self, made: Become) -> None:
        """Check a Become and remember it, so that one that is not returned is noticed."""
        self._become_at = self.where()
        try:
            check_value(made.function, f"program that {self.name} becomes")
            check_program(made.function, made.args, self.name)
        except ModelError as error:
            raise self._refuse(type(error)(f"{self._become_at}: {error}")) from None

    # How it fails.

    def _as_failure(self, error: BaseException) -> Failure:
        kind = "stuck" if isinstance(error, Stuck) else type(error).__name__
        return Failure(self.name, kind, _IDENTITY.sub("", str(error)), place.lines_of_error(error))

    def fail(self, error: BaseException) -> None:
        """End the program by an error of the device that handled its message."""
        failure = self._as_failure(error)
        lines = (*place.lines_of(place.frames(self._coroutine)), *failure.lines)
        self.failure = Failure(self.name, failure.type, failure.text, lines)
        self.close()

    def _foreign(self, request: object) -> ForeignAwait:
        error = self.foreign(f"awaited {type(request).__name__}, which is not a vmrace message,")
        end(self._coroutine)
        return error

    def foreign(self, did: str, where: str = "") -> ForeignAwait:
        """Return the error for what a program did that does not exist in a world, where it stands."""
        return ForeignAwait(
            f"{where or self.where()}: program {self.name} {did} after step {self.steps} of it "
            "(a program may await only messages to devices; time and other libraries do not exist in a world)"
        )

    # What the program itself calls, through `actors.runtime.program`.

    def about_to_send(self) -> None:
        """Let the message go, or raise Closing if the program is ending.

        One that catches that and sends again, and again, is let out to `end`, which gives it up.
        """
        if self.closing:
            self._refusals += 1
            if self._refusals > _PATIENCE:
                return
            raise Closing
        failed = assertion_in(sys.exc_info()[1], self.outer_error)
        if failed is not None:
            self.failure = self._as_failure(failed)
            self.closing = True
            raise Closing

    def set_label(self, name: str, value: object) -> None:
        """Note a label; it is in force from the step on that the program is finishing.

        One that is set to None is as it was before it was set: the two must not be two states.
        """
        if type(value) is not bool:
            try:
                check_value(value, lambda: f"{self.where()}: label {name!r} of {self.name}")
            except ModelError as error:
                raise self._refuse(error) from None
        if value is None:
            self.labels.pop(name, None)
        else:
            self.labels[name] = value
        self.relabelled.add(name)

    def new_child(self, name: str | None) -> str:
        """Return the path of the next spawned program."""
        if name is not None:
            return f"{self.name}.{name}"
        if self._spawned < 0 or self.calls.frames:
            raise self._refuse(spawn_needs_name(self))
        self._spawned += 1
        return f"{self.name}.{self._spawned - 1}"

    def repeating(self, *, after_become: bool) -> None:
        """Start as the repetition of a segment; one behind a `become` has no numbered places for spawns."""
        if after_become:
            self._spawned = -1

    # How it is closed.

    def close(self) -> None:
        """End the program without another message.

        Raises SwallowedTeardown if it goes on nevertheless: it catches BaseException and returns, or awaits
        again.
        """
        if self.pending is not None:
            self.left_at, self.pending = self.pending, None
        if self._coroutine.cr_frame is None:  # type: ignore[attr-defined]  # a coroutine object, see _start
            return
        where = self.where()
        self.closing = True
        outer, CURRENT.program = CURRENT.program, self
        self._stretch.enter()
        try:
            swallowed = end(self._coroutine)
        finally:
            self._stretch.leave()
            CURRENT.program = outer
        if swallowed:
            raise SwallowedTeardown(
                f"{where}: program {self.name} caught the exception that closes it and went on, after step "
                f"{self.steps} of it; catch Exception, never BaseException"
            )

    # Where it is.

    def place(self) -> tuple[str, str, int]:
        """Return function, file and line of the innermost call that is the program's own."""
        best = place.innermost(place.frames(self._coroutine))
        if best is not None:
            return (best.f_code.co_name, best.f_code.co_filename, best.f_lineno)
        code = body_of(self.segments[-1].function).__code__
        return (code.co_name, code.co_filename, code.co_firstlineno)

    def caller(self) -> str:
        """Return the function of another package that the innermost call works for, or nothing."""
        return place.caller(place.frames(self._coroutine))

    def lines(self) -> tuple[tuple[str, str, int, int], ...]:
        """Return function, file, the function's first line and line of each call that is the program's own."""
        return tuple(
            (frame.f_code.co_name, frame.f_code.co_filename, frame.f_code.co_firstlineno, frame.f_lineno)
            for frame in place.frames(self._coroutine)
            if place.is_own(frame)
        )

    def where(self) -> str:
        """Return `file:line` of where the program stands."""
        _, file, line = self.place()
        return f"{file}:{line}"


def _asked_trio(error: BaseException | None) -> bool:
    """Say whether an exception, or one that it stems from, is Trio's that somebody is in no task.

    A program opens nurseries and cancel scopes as little as it sleeps: they would be the driver's task's.
    """
    while error is not None:
        if type(error) is RuntimeError and str(error) == _IN_NO_TASK:
            return True
        error = error.__cause__ or error.__context__
    return False
