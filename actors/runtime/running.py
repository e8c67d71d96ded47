"""One program while it runs: its coroutine, stepped from message to message.

`advance` gives the coroutine a reply and runs it until its next message or its end. Both drivers use it, so that a program
cannot tell them apart, and what is refused on one is refused on the other:

* Awaiting anything but a message (`trio.sleep`, a future) is a ForeignAwait, with the line.
* An assertion that fails ends the program at that step. Python would still run `finally` and `__aexit__`; a message that
  they send raises at once instead of being sent, so the world ends in the state in which the assertion failed.
* Closing a program raises inside it in the same way. One that goes on nevertheless is reported.
* A program that neither sends nor ends is interrupted by the watchdog (see `watchdog`).
"""

import sys
import traceback
from collections.abc import Coroutine
from types import FrameType
from typing import Any

from actors.runtime.device import Footprint, Outcomes
from actors.runtime.errors import ForeignAwait, ModelError, SwallowedTeardown
from actors.runtime.program import CURRENT, Become, Behaviour, Send
from actors.runtime.watchdog import WATCHDOG, Stuck
from protocol.handles import Program
from protocol.records import Failure

_HERE = __name__


class Closing(BaseException):
    """Raised inside a program that may not go on; not an Exception, so that ordinary handlers let it pass."""


class Segment:
    """One behaviour of a program with all that it sent and was replied: enough to run it again."""

    __slots__ = ("args", "exchanges", "function")

    def __init__(self, function: Behaviour, args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args
        self.exchanges: list[tuple[Send, Any]] = []


class Running:
    """A program in one execution.

    `pending` is the message that it is parked at; `key` its place in the default order; `outcomes`, `footprint` and `cells`
    are the driver's notes on the pending message, None when they have to be computed again; `actor` handled the last one.
    """

    def __init__(self, handle: Program, function: Behaviour, args: tuple[Any, ...], key: tuple[Any, ...]) -> None:
        self.handle = handle
        self.name = handle.name
        self.key = key
        self.background = bool(key[0])
        self.segments = [Segment(function, args)]
        self.labels: dict[str, object] = {}
        self.pending: Send | None = None
        self.failure: Failure | None = None
        self.steps = 0
        self.outcomes: Outcomes | None = None
        self.footprint: Footprint | None = None
        self.cells: frozenset[Any] = frozenset()
        self.actor = ""
        self._spawned = 0
        self._closing = False
        self._become_made = False
        self._stepped = False
        self._coroutine = self._start(function, args)

    @property
    def finished(self) -> bool:
        """Whether the program has ended, well or by a failure."""
        return self.pending is None

    def _start(self, function: Behaviour, args: tuple[Any, ...]) -> Coroutine[Any, Any, Any]:
        coroutine = function(*args)
        if not hasattr(coroutine, "cr_frame"):
            raise ModelError(f"program {self.name}: {function.__qualname__} is not an `async def` function")
        return coroutine

    def advance(self, reply: Any = None) -> None:
        """Run to the next message, which is then `pending`, or to the end."""
        if self.pending is not None:
            self.segments[-1].exchanges.append((self.pending, reply))
            self.steps += 1
            self._stepped = True
        self.pending = self.outcomes = self.footprint = None
        outer = CURRENT.program
        CURRENT.program = self
        self._outer_error = sys.exc_info()[1]
        WATCHDOG.enter(self.name)
        try:
            self.pending = self._run(reply)
        finally:
            WATCHDOG.leave()
            CURRENT.program = outer

    def _run(self, reply: Any) -> Send | None:
        while True:
            try:
                request = self._coroutine.send(reply)
            except StopIteration as stop:
                if self.failure is not None or not self._becomes(stop.value):
                    return None
                reply = None
                continue
            except Closing:
                return None  # an assertion failed, and what ran after it tried to send: `failure` is set
            except (ModelError, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001  # whatever a program raises is a finding
                self.failure = self.failure or self._as_failure(error)
                return None
            if type(request) is not Send:
                raise self._foreign(request)
            if self._become_made:
                raise ModelError(f"{self.where()}: become(...) has to be returned: `return become(f, *state)`")
            return request

    def _becomes(self, result: object) -> bool:
        if not isinstance(result, Become):
            return False
        self._become_made = False
        if not self._stepped:
            text = f"became {result.function.__qualname__} without a step in between: this loop never sends anything"
            self.failure = Failure(self.name, "become", text, ())
            return False
        self._stepped = False
        self.labels = {}
        self._spawned = -1  # histories are forgotten, so places are too: later spawns need a name
        self.segments.append(Segment(result.function, result.args))
        self._coroutine = self._start(result.function, result.args)
        return True

    def _as_failure(self, error: BaseException) -> Failure:
        kind = "stuck" if isinstance(error, Stuck) else type(error).__name__
        return Failure(self.name, kind, str(error), tuple(_user_lines(error)))

    def fail(self, error: BaseException) -> None:
        """End the program by an error of the device that handled its message."""
        self.failure = self._as_failure(error)
        self.close()

    def _foreign(self, request: object) -> ForeignAwait:
        where = self.where()
        self.close()
        return ForeignAwait(
            f"{where}: program {self.name} awaited {type(request).__name__}, which is not a vmrace message "
            "(a program may await only messages to devices; time and other libraries do not exist in a world)"
        )

    # What the program itself calls, through `actors.runtime.program`.

    def about_to_send(self, request: Send) -> None:
        """Let the message go, or raise Closing if the program is ending."""
        del request
        if self._closing:
            raise Closing
        error = sys.exc_info()[1]
        if error is None or error is self._outer_error:
            return
        failed = _assertion_in(error, self._outer_error)
        if failed is not None:
            self.failure = self._as_failure(failed)
            self._closing = True
            raise Closing

    def set_label(self, name: str, value: object) -> None:
        """Note a label; it is in force from the step on that the program is finishing."""
        self.labels[name] = value

    def new_child(self, name: str | None) -> str:
        """Return the path of the next spawned program."""
        if name is not None:
            return f"{self.name}.{name}"
        if self._spawned < 0:
            raise ModelError(f"{self.where()}: a spawn after `become` needs a name: spawn(f, ..., name='worker')")
        self._spawned += 1
        return f"{self.name}.{self._spawned - 1}"

    def repeating(self, after_become: bool) -> None:
        """Start as the repetition of a segment; one behind a `become` has no numbered places for spawns."""
        if after_become:
            self._spawned = -1

    def note_become(self) -> None:
        """Remember that a Become was made, so that one that is not returned is noticed."""
        self._become_made = True

    def close(self) -> None:
        """End the program without another message.

        Raises SwallowedTeardown if it goes on nevertheless: it catches BaseException and returns, or awaits again.
        """
        self.pending = None
        coroutine = self._coroutine
        if coroutine.cr_frame is None:  # type: ignore[attr-defined]  # a coroutine object, see _start
            return
        where = self.where()
        self._closing = True
        outer, CURRENT.program = CURRENT.program, self
        try:
            coroutine.throw(Closing())
        except StopIteration:
            raise self._swallowed(where) from None
        except BaseException:  # noqa: BLE001, S110  # Closing itself, or what a `finally` raised instead: it is over
            pass
        else:
            coroutine.close()
            raise self._swallowed(where)
        finally:
            CURRENT.program = outer

    def _swallowed(self, where: str) -> SwallowedTeardown:
        return SwallowedTeardown(
            f"{where}: program {self.name} caught the exception that closes it and went on; "
            "catch Exception, never BaseException"
        )

    # Where it is.

    def place(self) -> tuple[str, str, int]:
        """Return function, file and line of the innermost call that is not vmrace's own plumbing."""
        best: FrameType | None = None
        coroutine: Any = self._coroutine
        while coroutine is not None:
            frame = getattr(coroutine, "cr_frame", None)
            if frame is None:
                break
            if best is None or not frame.f_globals.get("__plumbing__", False):
                best = frame
            coroutine = coroutine.cr_await
        if best is None:
            return (self.name, "?", 0)
        return (best.f_code.co_name, best.f_code.co_filename, best.f_lineno)

    def where(self) -> str:
        """Return `file:line` of where the program stands."""
        _, file, line = self.place()
        return f"{file}:{line}"


def _assertion_in(error: BaseException | None, outer: BaseException | None) -> AssertionError | None:
    """Return the failed assertion that is being unwound, if one is."""
    while error is not None and error is not outer:
        if isinstance(error, AssertionError):
            return error
        error = error.__context__
    return None


def _user_lines(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in frames
        if not frame.filename.endswith(("actors/runtime/running.py", "actors/runtime/program.py"))
    ]
