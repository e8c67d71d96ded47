"""What a mutation is: one rule of the model, and a text that breaks it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

MODEL = Path("actors/machine/xstate")


class Mutation(msgspec.Struct, frozen=True):
    """A rule with where it stands (a section of the manual, or a fact of silicon), and the text that is replaced to break it.

    The old text stands exactly once in the file, so that a list which no longer fits the model is noticed. A mutant that
    nothing can catch has the reason in `survives_because`.
    """

    name: str
    rule: str
    file: str
    old: str
    new: str
    survives_because: str = ""

    @property
    def path(self) -> Path:
        """The file, from the top of the project."""
        return MODEL / self.file

    def applied(self, text: str) -> str:
        """Return the file's text with the rule broken; raises ValueError if the old text does not stand there exactly once."""
        found = text.count(self.old)
        if found != 1:
            raise ValueError(
                f"{self.name}: the old text stands {found} times in {self.file}, and should stand once"
            )
        return text.replace(self.old, self.new)


def of(file: str, *mutations: tuple[str, ...]) -> Iterator[Mutation]:
    """Give the mutations of one file."""
    for fields in mutations:
        name, rule, *rest = fields
        yield Mutation(name, rule, file, *rest)
