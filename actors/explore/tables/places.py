"""Where a program is, by what it knows: the names of its local states.

A program is a stack of routines (`actors.runtime.routine`), itself the outermost. Of each it matters with which arguments it
began, what it has been replied since, and what the routines that it called have returned; and of all together, the labels. So a
place is reached from another

* in the same routine, by a reply, or by what a called routine has returned, with the labels that are set then;
* by a call, which begins another routine above it;
* by `become`, which begins the innermost routine anew, as if it had been called like that.

What a routine was replied is thereby gone once it has returned. One that has raised is kept: exceptions are no values.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Optional

from actors.explore.tables.interning import Interner
from actors.runtime.program import Behaviour
from actors.runtime.routine import Entered, Event, Left, Raised
from actors.runtime.values import typed

_NONE: Mapping[str, object] = MappingProxyType({})


class Place:
    """A place of one program; `caller` is where the routine that it is in was called.

    `values` numbers arguments, which are large and mostly the same.
    """

    __slots__ = ("_next", "_values", "caller")

    def __init__(self, caller: Optional["Place"], values: Interner) -> None:
        self.caller = caller
        self._values = values
        self._next: dict[object, Place] = {}

    def call(
        self,
        function: Behaviour,
        args: tuple[object, ...],
        named: tuple[tuple[str, object], ...] = (),
        labels: Mapping[str, object] = _NONE,
    ) -> "Place":
        """Return the beginning of a routine that is called here, while the program has these labels."""
        number = self._values.number
        numbers = (*map(number, args), *((name, number(value)) for name, value in named))
        return self._reach((function, numbers, _key(labels)), self)

    def replied(self, *key: object) -> "Place":
        """Return the place behind a reply, or whatever else the routine here learns, by its typed key."""
        return self._reach(key, self.caller)

    def _reach(self, key: object, caller: Optional["Place"]) -> "Place":
        known = self._next.get(key)
        if known is None:
            known = self._next[key] = Place(caller, self._values)
        return known

    def along(self, trail: Iterable[Event]) -> "Place":
        """Return the place at the end of what has happened to the program's routines in one stretch."""
        place = self
        for event in trail:
            place = place._moved(event)
        return place

    def _moved(self, event: Event) -> "Place":
        if type(event) is Entered:
            begins = self.caller if event.again else self
            assert begins is not None
            return begins.call(event.function, event.args, event.named, event.labels)
        assert self.caller is not None
        if type(event) is Left:
            return self.caller.replied(Left, typed(event.value), _key(event.labels))
        return self.caller.replied(Raised, self)


def _key(labels: Mapping[str, object]) -> object:
    return typed(tuple(sorted(labels.items())))
