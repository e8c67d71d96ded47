"""What four ways of searching a world have to agree on."""

from typing import NamedTuple


class Facts(NamedTuple):
    """What can happen in a world.

    `broken`, `met`, `failures` and `deadlock` are what there is where a broken condition is no end; `failures` are
    (program, text, lines that its error went through). `finals` are the final states of such executions, `clean`
    those of executions in which nothing is ever broken: pairs of what the variables and locks hold, and of what the
    programs have been replied since they began or last became.
    """

    broken: frozenset
    met: frozenset
    failures: frozenset
    deadlock: bool
    finals: frozenset
    clean: frozenset

    @property
    def verdict(self):
        """Whether anything is violated."""
        return "violated" if self.broken or self.failures or self.deadlock else "proved"

    def without_lines(self):
        """Return the same for those who know no lines of code."""
        return self._replace(failures=frozenset((program, text) for program, text, *_ in self.failures))
