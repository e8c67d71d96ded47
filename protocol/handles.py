"""Handles: frozen names of the things that a world owns.

A handle is a value: it can be an argument, a field of a message, or the content of a cell. It names its thing and holds
nothing of it, so two worlds built by the same scenario use equal handles.
"""

import functools

import msgspec


class Cell(msgspec.Struct, frozen=True, cache_hash=True, tag="cell"):
    """One value of shared state: a CPU, a lock, one memory location, one program's placement."""

    name: str


class Program(msgspec.Struct, frozen=True, cache_hash=True, tag="program"):
    """An active actor, named by its parent and place (`qemu.0`), never by a global counter."""

    name: str

    @property
    def life(self) -> Cell:
        """The cell that is True while the program runs and False once it has returned."""
        return _named("life of", self.name)

    @property
    def placement(self) -> Cell:
        """The cell that says on which CPU the program runs."""
        return _named("placement of", self.name)

    def label(self, name: str) -> "Label":
        """Name the value that this program sets on itself under `name`."""
        return Label(self.name, name)


class Label(msgspec.Struct, frozen=True, cache_hash=True, tag="label"):
    """A value that a program sets on itself without a step; None until it does."""

    program: str
    name: str


@functools.lru_cache(maxsize=4096)
def _named(what: str, name: str) -> Cell:
    """Return the cell of that name; the same object each time, since every step asks for some."""
    return Cell(f"{what} {name}")
