"""Conditions: what must hold, what must have happened, and over which cells that is decided.

A condition is a pure predicate over the values of the cells and labels that it names, in that order. Its footprint is what
makes it cheap (it is looked at again only when one of them has changed) and what a reduced search may rely on. Write one
condition for each CPU, not one that loops over all of them.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from protocol.handles import Cell, Label
from protocol.records import Kind

Predicate = Callable[..., object]


class Condition(msgspec.Struct, frozen=True):
    """A predicate with its footprint.

    `always`: holds in every state (where `at` says yes, if given). `sometimes`: holds in at least one state; a world in
    which it never did proves nothing. `kind` says whether breaking it harms somebody (symptom) or only a rule (hygiene);
    `words` is what the harmed one would say of it, where that is known ("unexpected #NM exception").
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


def at_most_one(*labels: Any) -> bool:
    """Say whether at most one of the labels is set: the predicate of `never_two`."""
    return sum(1 for label in labels if label) <= 1
