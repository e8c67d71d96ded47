"""The random walk: every enabled program is as likely as the others to take the next step.

The simplest strategy and a good one for races that need few preemptions at likely places. It is unfair to
orders that need one program to be left alone for long: the chance of k steps in a row among n programs is n
to the power of -k.
"""

import random

from actors.runtime.execution import Execution
from actors.runtime.running import Running


class RandomWalk:
    """Uniform choices, drawn from the seed and the execution's number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.begin(1)

    def begin(self, number: int) -> None:
        """Seed by text: Python hashes it in the same way on every version and under every PYTHONHASHSEED."""
        self._draw = random.Random(f"{self._seed}:{number}").random

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        """Any program that is enabled."""
        del execution
        return int(self._draw() * len(enabled))

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        """Any outcome."""
        del execution, running
        return int(self._draw() * count)
