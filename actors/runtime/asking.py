"""A program that asks: what evaluating its message, and complaining about it, needs to know of it.

It is a running program on Trio, and a node of a history on tables.
"""

from typing import Protocol

from actors.runtime.program import Send
from protocol.handles import Program


class Asking(Protocol):
    """What evaluation needs to know of a program: its pending message, and where it stands for complaints."""

    @property
    def pending(self) -> Send | None:
        """The message to be handled."""

    @property
    def handle(self) -> Program:
        """Who sends it."""

    @property
    def name(self) -> str:
        """The sender's name."""

    @property
    def steps(self) -> int:
        """How many steps the sender has taken."""

    def where(self) -> str:
        """Return `file:line` of where the sender stands."""
