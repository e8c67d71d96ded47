"""Strategies: who makes the choices when executions are sampled; one small file each.

A strategy is a `Chooser` that is told when the next execution begins. Its choices depend on its seed, the
execution's number and what it is asked, on nothing else, so the same seed finds the same thing in any process
and on any version of Python.
"""

from collections.abc import Callable
from typing import Final, Protocol

from actors.explore.strategies.random_walk import RandomWalk
from actors.runtime.schedule import Chooser


class Strategy(Chooser, Protocol):
    """Makes the choices of many executions."""

    def begin(self, number: int) -> None:
        """Get ready for the execution of that number; the first is 1."""


STRATEGIES: Final[dict[str, Callable[[int], Strategy]]] = {"random": RandomWalk}
"""The strategies by the name that the command line knows them by; each is made from a seed."""
