"""What a program read, and whose the registers were then: predicates that know a value or a task's name."""

import msgspec

from protocol.handles import Program


class Finds(msgspec.Struct, frozen=True):
    """A program that says what it has read, has read this."""

    value: int

    def __call__(self, read: int | None) -> bool:
        """Decide, if it has said anything."""
        return read in {None, self.value}


class NeverFinds(msgspec.Struct, frozen=True):
    """A program never says that it has read this: it is another's (I9)."""

    value: int

    def __call__(self, read: int | None) -> bool:
        """Decide."""
        return read != self.value


class OwnedWhile(msgspec.Struct, frozen=True):
    """The registers are those of the task `whose` (its name) while a program's label is set."""

    whose: str

    def __call__(self, owner: Program | None, label: bool | None) -> bool:
        """Decide."""
        return bool(label) and owner is not None and owner.name == self.whose
