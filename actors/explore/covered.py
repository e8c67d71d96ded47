"""What a search of every order went through, whichever way it searched."""

from typing import NamedTuple

Log = list[tuple[str, int]]
"""How a state was reached: (program, outcome), step by step."""


class Covered(NamedTuple):
    """What a search went through; `log` leads to the first violated state, None if there is none.

    `limit` is what ended the search early: states, memory, time, `stopped` on request, or `endless`, where an endless
    execution has no class. `fingerprinted` says that states were told apart by 64 bits, and not by what they are.
    `classes` and `blocked` are for a search that counts classes of executions; `visited` for a reduced one: all states
    that it met, stored or not. `shortest` says that there is no way shorter than `log`.
    """

    states: int
    transitions: int
    depth: int
    met: frozenset[str]
    violated: frozenset[str]
    log: Log | None = None
    limit: str | None = None
    fingerprinted: bool = False
    classes: int | None = None
    blocked: int | None = None
    visited: int | None = None
    shortest: bool = True
