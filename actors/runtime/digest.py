"""The digest of an execution: 64 bits over everything that happened, and one byte for each step on the way.

Two executions with the same digest went through the same steps (program, device, message, values of the
footprint, outcome and reply), their programs set the same labels at the same places, and they ended alike. The
bytes after each step tell where two executions part. The same on any Python version and in any process.
"""

import hashlib
from typing import Any

from actors.runtime.device import Outcome
from actors.runtime.execution import Execution
from actors.runtime.running import Running
from actors.runtime.values import encode
from protocol.handles import Cell

_BYTES = 8


class Digest:
    """An observer that digests each step.

    `rolling` has one byte a step, over all up to there; `of_steps` the same without labels and endings, which
    a free-running execution, whose programs may be late, cannot know.
    """

    def __init__(self) -> None:
        self.rolling = bytearray()
        self.of_steps = bytearray()
        self._steps = hashlib.blake2b(digest_size=_BYTES)
        self._said = hashlib.blake2b(digest_size=_BYTES)
        self._last: tuple[tuple[Any, ...], tuple[str, ...]] = ((), ())
        self._said_byte = 0

    @property
    def value(self) -> int:
        """The digest so far, 64 bits."""
        both = hashlib.blake2b(self._steps.digest() + self._said.digest(), digest_size=_BYTES)
        return int.from_bytes(both.digest(), "big")

    def handled(
        self, execution: Execution, running: Running, before: dict[Cell, Any], outcome: Outcome
    ) -> None:
        """Digest one step."""
        del execution
        request = running.pending
        assert request is not None
        values = tuple((cell.name, before[cell]) for cell in sorted(before, key=lambda cell: cell.name))
        step = (
            running.name,
            request.to.name,
            request.message,
            values,
            outcome.label,
            outcome.writes,
            outcome.reply,
        )
        self._steps.update(encode(step))
        self.of_steps.append(self._steps.digest()[0])
        self.rolling.append(self.of_steps[-1] ^ self._said_byte)

    def settled(self, execution: Execution) -> None:
        """Digest the labels that the programs have set by now, and what is violated, where these have changed."""
        violation = execution.violation
        labels = tuple(
            (running.name, name, value)
            for running in execution.running.values()
            for name, value in sorted(running.labels.items())
        )
        said = (labels, violation.names if violation is not None else ())
        if said == self._last:
            return
        self._last = said
        self._said.update(encode((execution.steps, *said)))
        self._said_byte = self._said.digest()[0]
        if self.rolling:
            self.rolling[-1] = self.of_steps[-1] ^ self._said_byte
