"""Conditions: what must hold, what must have happened, and over which cells that is decided.

A condition is a pure predicate over the values of the cells and labels that it names, in that order. Its
footprint is what makes it cheap (it is looked at again only when one of them has changed) and what a reduced
search may rely on. Write one condition for each CPU, not one that loops over all of them.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

import msgspec

from actors.runtime.errors import ModelError, Nondeterminism
from actors.runtime.place import definition, line_of_error
from actors.runtime.watchdog import WATCHDOG, Stuck
from protocol.handles import Cell, Label
from protocol.records import Kind

Predicate = Callable[..., object]


class Condition(msgspec.Struct, frozen=True):
    """A predicate with its footprint.

    `always`: holds in every state (where `at` says yes, if given). `sometimes`: holds in at least one state;
    a world in which it never did proves nothing. `kind` says whether breaking it harms somebody (symptom) or
    only a rule (hygiene); `words` is what the harmed one would say of it, where that is known ("unexpected
    #NM exception").
    """

    mode: Literal["always", "sometimes"]
    name: str
    predicate: Predicate
    reads: tuple[Cell | Label, ...]
    at: Predicate | None = None
    kind: Kind = "symptom"
    words: str = ""

    def holds(self, values: tuple[Any, ...]) -> bool:
        """Decide on the values of `reads`; outside `at`, an `always` holds."""
        if self.at is not None and not self.at(*values):
            return self.mode == "always"
        return bool(self.predicate(*values))


class Checks:
    """The conditions of a world, by the cells and labels that they look at."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._all = tuple(conditions)
        self._places: dict[Cell | Label, list[int]] = {}
        for place, condition in enumerate(self._all):
            for target in dict.fromkeys(condition.reads):
                self._places.setdefault(target, []).append(place)

    def broken(
        self,
        changed: Collection[Cell | Label] | None,
        read: Callable[[Any], Any],
        met: set[str],
        *,
        twice: bool = False,
    ) -> list[Condition]:
        """Return the `always` conditions that do not hold, in the world's order; note in `met` what was met.

        Only those that look at something `changed` are decided again; None stands for all of them. `twice`
        decides each a second time; raises Nondeterminism if it then says otherwise.
        """
        places = self._concerned(changed)
        if not places:
            return []
        stretch = WATCHDOG.stretch
        stretch.enter()
        try:
            return [one for place in places if self._fails(one := self._all[place], read, met, twice=twice)]
        finally:
            stretch.leave()

    def _concerned(self, changed: Collection[Cell | Label] | None) -> Sequence[int]:
        """Return the places of the conditions that look at something changed, ascending."""
        known = self._places
        if changed is None:
            return range(len(self._all))
        if len(changed) == 1:
            return known.get(next(iter(changed)), ())
        return sorted({place for target in changed if target in known for place in known[target]})

    @staticmethod
    def _fails(condition: Condition, read: Callable[[Any], Any], met: set[str], *, twice: bool) -> bool:
        if condition.mode == "sometimes" and condition.name in met:
            return False
        values = tuple([read(target) for target in condition.reads])
        try:
            holds = condition.holds(values)
            again = condition.holds(values) if twice else holds
        except (Exception, Stuck) as error:
            raise ModelError(
                f"condition {condition.name!r} raised {type(error).__name__} at {line_of_error(error)}: "
                f"{error}"
            ) from error
        if again != holds:
            where = definition(condition.predicate)
            raise Nondeterminism(
                f"condition {condition.name!r} decided in two ways on the same values, at {where}"
            )
        if condition.mode == "always":
            return not holds
        if holds:
            met.add(condition.name)
        return False


def at_most_one(*labels: Any) -> bool:
    """Say whether at most one of the labels is set: the predicate of `never_two`."""
    return sum(1 for label in labels if label) <= 1
