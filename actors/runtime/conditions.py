"""Conditions: what must hold, what must have happened, and over which cells that is decided.

A condition is a pure predicate over the values of the cells and labels that it names, in that order. Its
footprint is what makes it cheap (it is looked at again only when one of them has changed) and what a reduced
search may rely on. Write one condition for each CPU, not one that loops over all of them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from actors.runtime.errors import ModelError, Nondeterminism
from actors.runtime.picking import picking
from actors.runtime.place import definition, line_of_error
from actors.runtime.watchdog import WATCHDOG, Stuck
from protocol.handles import Cell, Label, Program
from protocol.records import Kind

Predicate = Callable[..., object]

LIMIT = 10_000
"""Decisions kept of one condition; beyond that all are forgotten, which costs time and nothing else."""


class Condition(msgspec.Struct, frozen=True):
    """A predicate with its footprint.

    `always`: holds in every state (where `at` says yes, if given). `sometimes`: holds in at least one state;
    a world in which it never did proves nothing. `kind` says whether breaking it harms somebody (symptom) or
    only a rule (hygiene); `words` is what the harmed one would say of it, where that is known ("unexpected
    #NM exception"), with `{}` for the values of `reads` in turn. An `always` with `after` holds while one of
    these programs has not returned; the last cells of `reads` are then their lives, of which the predicates
    are not told.
    """

    mode: Literal["always", "sometimes"]
    name: str
    predicate: Predicate
    reads: tuple[Cell | Label, ...]
    at: Predicate | None = None
    kind: Kind = "symptom"
    words: str = ""
    after: tuple[Program, ...] = ()

    def holds(self, values: tuple[Any, ...]) -> bool:
        """Decide on the values of `reads`; outside `at`, and before `after`, an `always` holds."""
        if self.after:
            told = len(values) - len(self.after)
            if any(values[told:]):
                return True
            values = values[:told]
        if self.at is not None and not self.at(*values):
            return self.mode == "always"
        return bool(self.predicate(*values))


def check_words(name: str, words: str, reads: int) -> None:
    """Refuse words of a condition that ask for more than its `reads` values; raises ModelError."""
    try:
        words.format(*[_Anything()] * reads)
    except (IndexError, KeyError, ValueError) as error:
        raise ModelError(
            f"words of condition {name!r}: {error!r} in {words!r}; for the values of its {reads} reads there are "
            "{} in turn, or {0} to " + f"{{{reads - 1}}}; a brace is {{{{ or }}}}"
        ) from None


class _Anything:
    """Stands for a value that is not known yet: it has every attribute and item, and every format."""

    def __getattr__(self, _: str) -> "_Anything":
        return self

    def __getitem__(self, _: object) -> "_Anything":
        return self

    def __format__(self, _: str) -> str:
        return ""


class Decided:
    """A condition, and what it has decided, by the identities of the values.

    Predicates are pure, so none is asked the same twice in thousands of executions; `answers` says why
    identities do. Labels that are not small numbers or constants are made anew each time, and asked about anew.
    Checked executions decide each time, twice, and compare.
    """

    __slots__ = ("_alive", "condition", "known", "name", "sometimes", "values")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.name = condition.name
        self.sometimes = condition.mode == "sometimes"
        self.values = picking(condition.reads)
        self.known: dict[tuple[int, ...], bool] = {}
        self._alive: list[tuple[Any, ...]] = []

    def learn(self, values: Mapping[Cell | Label, Any]) -> bool:
        """Decide, and keep the decision and the values, since an identity outlives nothing."""
        holds = self.decide(values)
        if len(self._alive) >= LIMIT:
            self.known.clear()
            self._alive.clear()
        picked = self.values(values)
        self._alive.append(picked)
        self.known[tuple(map(id, picked))] = holds
        return holds

    def decide(self, values: Mapping[Cell | Label, Any], *, twice: bool = False) -> bool:
        """Ask the predicate; raises Nondeterminism if it is asked `twice` and says otherwise."""
        condition = self.condition
        found = tuple([values[target] for target in condition.reads])
        stretch = WATCHDOG.stretch
        stretch.enter()
        try:
            holds = condition.holds(found)
            again = condition.holds(found) if twice else holds
        except (Exception, Stuck) as error:
            raise ModelError(
                f"condition {condition.name!r} raised {type(error).__name__} at {line_of_error(error)}: "
                f"{error}"
            ) from error
        finally:
            stretch.leave()
        if again != holds:
            where = definition(condition.predicate)
            raise Nondeterminism(
                f"condition {condition.name!r} decided in two ways on the same values, at {where}"
            )
        return holds


class Checks:
    """The conditions of a world, by the cells and labels that they look at."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.all = tuple(map(Decided, conditions))
        self.places: dict[Cell | Label, list[int]] = {}
        for place, condition in enumerate(conditions):
            for target in dict.fromkeys(condition.reads):
                self.places.setdefault(target, []).append(place)


class Watch:
    """The conditions in one execution: the values that they look at, and which `sometimes` have been met.

    `twice` decides each a second time.
    """

    def __init__(self, checks: Checks, read: Callable[[Any], Any], *, twice: bool) -> None:
        self.met: set[str] = set()
        self._all = checks.all
        self._places = checks.places
        self._read = read
        self._twice = twice
        self._values = {target: read(target) for target in checks.places}

    def first(self) -> list[Condition]:
        """Return the `always` conditions that do not hold in the first state, in the world's order."""
        self._values = {target: self._read(target) for target in self._places}
        return self._broken(range(len(self._all)))

    def broken(self, changed: Collection[Cell | Label]) -> list[Condition]:
        """Return the `always` conditions that do not hold now; only those that look at something `changed` are decided."""
        known, values, read = self._places, self._values, self._read
        places: Iterable[int] = ()
        for target in changed:
            found = known.get(target)
            if found is not None:
                values[target] = read(target)
                places = found if not places else {*places, *found}
        if not places:
            return []
        return self._broken(places if type(places) is list else sorted(places))

    def _broken(self, places: Iterable[int]) -> list[Condition]:
        values, met = self._values, self.met
        broken = []
        for place in places:
            decided = self._all[place]
            if decided.sometimes and decided.name in met:
                continue
            if self._twice:
                holds: bool | None = decided.decide(values, twice=True)
            else:
                holds = decided.known.get(tuple(map(id, decided.values(values))))
                if holds is None:
                    holds = decided.learn(values)
            if not decided.sometimes:
                if not holds:
                    broken.append(decided.condition)
            elif holds:
                met.add(decided.name)
        return broken


def at_most_one(*labels: Any) -> bool:
    """Say whether at most one of the labels is set: the predicate of `never_two`."""
    return sum(1 for label in labels if label) <= 1
