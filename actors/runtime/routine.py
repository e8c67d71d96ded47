"""Routines: parts of a program whose past is forgotten when they return.

A program's state is named by all that it has been replied. So whatever it once read tells its states apart, even where nothing
follows from it any more: how often an instruction was interrupted before it retired, which value was compared and found right.
`become` forgets at the end of a round; a routine forgets at its end:

    @routine
    async def update(device, wanted):
        if await device.load() != wanted:
            await device.store(wanted)

It is called like any other function. Behind the call its caller knows what it returned and the labels that it set, and not what
it was replied. A program's state is then a stack: for each routine that it is in the arguments, the replies since it began, and
what the routines that it called have returned.

A routine may `return become(...)`, which ends this round of it and begins the next; labels stay, and what it returns in the end
goes to its caller. Nothing else passes between the two, since arguments and what is returned must be values. A
routine that raises is not forgotten: exceptions are no values. A spawn inside a routine needs a name, as it does behind
`become`.

Forgetting is for whoever names states. A program runs the same with routines and without.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, ParamSpec, Protocol, TypeVar

from actors.runtime.place import definition
from actors.runtime.program import Become, Behaviour, body_of, current
from actors.runtime.teardown import Closing
from actors.runtime.values import check_program, check_value

__plumbing__ = True

P = ParamSpec("P")
R = TypeVar("R")


def routine(function: Callable[P, Coroutine[Any, Any, R | Become]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make an `async def` forget its past when it returns."""

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        calls = current().calls
        calls.enter(function, args, kwargs)
        try:
            result = await function(*args, **kwargs)
            while isinstance(result, Become):
                calls.become(result)
                result = await body_of(result.function)(*result.args)
        except BaseException:
            calls.leave_by_error()
            raise
        calls.leave(result)
        return result

    call.__routine__ = function  # type: ignore[attr-defined]  # read by `body_of`
    return call


class Entered:
    """A routine has begun: it was called, or (`again`) the innermost one has become this.

    `named` are arguments given by name, with their names, in alphabetical order; `labels` are the program's then.
    """

    __slots__ = ("again", "args", "function", "labels", "named")

    def __init__(
        self,
        function: Behaviour,
        args: tuple[Any, ...],
        named: dict[str, Any],
        labels: dict[str, object],
        *,
        again: bool,
    ) -> None:
        self.function = function
        self.args = args
        self.named = tuple(sorted(named.items()))
        self.labels = {**labels}
        self.again = again


class Left:
    """A routine has returned; `labels` are the program's then."""

    __slots__ = ("function", "labels", "value")

    def __init__(self, function: Behaviour, value: Any, labels: dict[str, object]) -> None:
        self.function = function
        self.value = value
        self.labels = {**labels}


class Raised:
    """A routine has been left by an exception."""

    __slots__ = ()


Event = Entered | Left | Raised


class Caller(Protocol):
    """What a stack of calls must know of the program that makes them."""

    labels: dict[str, object]
    steps: int

    def became_without_a_step(self, made: Become) -> None:
        """Note that the program has failed by that."""

    def takes_become(self) -> None:
        """Note that the last Become was returned, as it has to be."""


class Frame:
    """One routine that a program is in, and how many steps the program had taken when it, or its round, began."""

    __slots__ = ("function", "since")

    def __init__(self, function: Behaviour, since: int) -> None:
        self.function = function
        self.since = since


class Calls:
    """The routines that a program is in, innermost last; `trail` is what happened to them in this stretch, if wanted."""

    __slots__ = ("_caller", "frames", "trail")

    def __init__(self, caller: Caller, trail: list[Event] | None) -> None:
        self._caller = caller
        self.frames: list[Frame] = []
        self.trail = trail

    def clear(self) -> None:
        """Begin anew: the program has become something."""
        self.frames.clear()
        self.moved()

    def moved(self) -> None:
        """Begin a new stretch."""
        if self.trail:
            self.trail = []

    def enter(self, function: Behaviour, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Note that a routine begins."""
        caller = self._caller
        self.frames.append(Frame(function, caller.steps))
        if self.trail is not None:
            self.trail.append(Entered(function, args, named, caller.labels, again=False))

    def become(self, made: Become) -> None:
        """Note that the innermost routine begins its next round; one that has taken no step fails."""
        caller, frame = self._caller, self.frames[-1]
        if frame.since == caller.steps:
            self._fail(made)
        caller.takes_become()
        frame.since = caller.steps
        if self.trail is not None:
            self.trail.append(Entered(body_of(made.function), made.args, {}, caller.labels, again=True))

    def check(self, name: str) -> None:
        """Refuse what is no value and has passed between a routine and its caller in this stretch; raises NotAValue."""
        for event in self.trail or ():
            if type(event) is Entered:
                args = (*event.args, *(value for _, value in event.named))
                check_program(event.function, args, f"{event.function.__name__} in {name}")
            elif type(event) is Left:
                check_value(
                    event.value,
                    f"{definition(event.function)}: what {event.function.__name__} returns in {name}",
                )

    def _fail(self, made: Become) -> NoReturn:
        self._caller.became_without_a_step(made)
        raise Closing

    def leave(self, value: Any) -> None:
        """Note that the innermost routine has returned."""
        frame = self.frames.pop()
        if self.trail is not None:
            self.trail.append(Left(frame.function, value, self._caller.labels))

    def leave_by_error(self) -> None:
        """Note that the innermost routine is left by an exception."""
        if self.frames:
            self.frames.pop()
        if self.trail is not None:
            self.trail.append(Raised())
