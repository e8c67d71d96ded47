"""What a program can do: send a message, set a label, replace its behaviour, spawn and join.

A program is an `async def`. All that it awaits, directly or through functions that it calls, ends in `Send`:
the one awaitable that both drivers understand. A `Send` yields itself to whoever steps the coroutine and
evaluates to the reply. Everything else a program does happens between two messages and is seen by nobody.

`become(function, *state)` is the actor model's own word: `return become(loop, n - 1)` ends this behaviour and
starts the next one, which knows only its arguments. A program that never becomes anything is named by all the
replies it ever got.
"""

import threading
from collections.abc import Callable, Coroutine, Generator
from sys import exc_info
from typing import Any, NoReturn, Protocol

import msgspec

from actors.runtime.errors import ModelError

__plumbing__ = True  # where a program stands is never in here, but in what called it

_OUTSIDE = "only a program that is run by a world can do this"

Behaviour = Callable[..., Coroutine[Any, Any, Any]]


def body_of(function: Any) -> Any:
    """Return the function that a routine was made of (see `routine`), and any other as it is."""
    return getattr(function, "__routine__", function)


class Routines(Protocol):
    """What a routine says of itself as it is called and left (`routine.Calls`)."""

    def enter(self, function: Behaviour, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Note that a routine begins."""

    def become(self, made: "Become") -> None:
        """Note that the innermost routine begins its next round."""

    def leave(self, value: Any) -> None:
        """Note that the innermost routine has returned."""

    def leave_by_error(self) -> None:
        """Note that the innermost routine is left by an exception."""


class Stepped(Protocol):
    """What the code that steps a program must offer to the calls below.

    `outer_error` is the exception that was being handled when the program was stepped.
    """

    closing: bool
    outer_error: BaseException | None

    @property
    def calls(self) -> Routines:
        """The routines that the program is in."""

    def about_to_send(self) -> None:
        """Let the message go, or raise; asked only while the program is closing or handles an exception."""

    def set_label(self, name: str, value: object) -> None:
        """Note a label."""

    def new_child(self, name: str | None) -> str:
        """Return the name of the next spawned program."""

    def note_become(self, made: "Become") -> None:
        """Check a Become, and note that it has to be returned."""


class _Current(threading.local):
    """The program being stepped in this thread."""

    program: Stepped | None = None


CURRENT = _Current()


def current() -> Stepped:
    """Return the program being stepped; raises ModelError outside one."""
    if CURRENT.program is None:
        raise ModelError(_OUTSIDE)
    return CURRENT.program


class Send:
    """One message on its way to one device (`device.Device`, which builds on this); awaiting it gives the reply."""

    __slots__ = ("message", "to")

    def __init__(self, to: Any, message: Any) -> None:
        self.to = to
        self.message = message

    def __await__(self) -> Generator["Send", Any, Any]:
        program = CURRENT.program
        if program is None:
            raise ModelError(_OUTSIDE)
        if program.closing or exc_info()[1] is not program.outer_error:
            program.about_to_send()
        return (yield self)


class Become(msgspec.Struct, frozen=True):
    """The behaviour that follows; made by `become`, returned by the program."""

    function: Behaviour
    args: tuple[Any, ...]


def become(function: Behaviour, *state: Any) -> Become:
    """Replace this program's behaviour, forgetting its history and labels; the result has to be returned.

    return become(loop, n - 1)
    """
    made = Become(function, state)
    current().note_become(made)
    return made


def set_label(name: str, value: Any = True) -> None:
    """Set a label of this program, for conditions and windows; no step, no other actor sees it. None unsets it."""
    current().set_label(name, value)


def fail(text: str) -> NoReturn:
    """End this program, and with it the world, as a failed assertion with this text."""
    raise AssertionError(text)
