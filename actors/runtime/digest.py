"""The digest of an execution: 64 bits over everything that happened, and one byte for each step on the way.

Two executions with the same digest went through the same steps: program, device, message, values of the
footprint, outcome and reply. The bytes after each step tell where two executions part. The same on any Python
version and in any process.
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
    """An observer that digests each step; `rolling` has one byte a step."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=_BYTES)
        self.rolling = bytearray()

    @property
    def value(self) -> int:
        """The digest so far, 64 bits."""
        return int.from_bytes(self._hash.digest(), "big")

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
        self._hash.update(encode(step))
        self.rolling.append(self._hash.digest()[0])

    def settled(self, execution: Execution) -> None:
        """Nothing to add: the next step says what the programs did."""
