"""Which violations are the same: those with the same names whose failing programs stopped at the same lines.

Two executions that break one condition tell one story. Two in which one program fails tell one only if it fails
at the same line: a program may assert several things.
"""

from collections.abc import Iterable

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


def enders(tables: Tables, found: Identity) -> frozenset[int] | None:
    """Return the columns of the programs whose steps can end an execution so; None if that may be anybody's.

    A program fails at a step of its own, or at its start, which is a step of those that it descends from.
    """
    names, failures = found
    if not failures or len(names) > len(failures):
        return None
    programs = [program for program, _, _ in failures]
    return frozenset(
        column
        for (name, _), column in tables.layout.programs.items()
        if any(f"{program}.".startswith(f"{name}.") for program in programs)
    )
