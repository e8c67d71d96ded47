"""Which violations are the same: those with the same names whose failing programs stopped at the same lines.

Two executions that break one condition tell one story. Two in which one program fails tell one only if it fails
at the same line: a program may assert several things.
"""

from collections.abc import Iterable
from typing import NamedTuple

from actors.explore.tables.graph import State
from actors.explore.tables.tables import Tables
from protocol.records import Failure

Identity = tuple[frozenset[str], frozenset[tuple[str, str, str]]]
"""The names of what is violated; and program, type and innermost line of each failure."""

NOTHING: Identity = (frozenset(), frozenset())


def identity(tables: Tables, state: State) -> Identity:
    """Return what a state violates; NOTHING if it is fine, or not known to be a deadlock yet."""
    if not state.violated:
        return NOTHING
    failures: Iterable[Failure] = ()
    if state.over:
        row = tables.layout.padded(state.row)
        failures = [node.failure for node in tables.failures(row) if node.failure is not None]
    return frozenset(state.violated), frozenset(_key(failure) for failure in failures)


def _key(failure: Failure) -> tuple[str, str, str]:
    return failure.program, failure.type, failure.lines[-1] if failure.lines else ""


class Enders(NamedTuple):
    """Whose steps can end an execution: those of these programs and of whom they descend from, None if it may be anybody's.

    They are names, not columns: a program has a column from when it is met, and another one in the background.
    There are some only where an execution ends by a step that does something; a deadlock may end it by one that does not.
    """

    programs: frozenset[str] | None

    def may_be(self, name: str) -> bool:
        """Say whether a step of the program of that name can end an execution."""
        return self.programs is None or any(f"{one}.".startswith(f"{name}.") for one in self.programs)


def enders(found: Identity) -> Enders | None:
    """Return who can end an execution so; None if it may end by any step.

    A program fails at a step of its own, or at its start, which is a step of those that it descends from.
    """
    names, failures = found
    if "deadlock" in names:
        return None
    if not failures or len(names) > len(failures):
        return Enders(None)
    return Enders(frozenset(program for program, _, _ in failures))
