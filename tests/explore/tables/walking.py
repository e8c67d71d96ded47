"""One execution on the tables by itself, state after state, to be compared with the same one on Trio."""

from typing import Protocol

from actors.explore.tables.graph import Graph, State
from actors.explore.tables.tables import Option
from actors.runtime.execution import Ending


class TableChooser(Protocol):
    """Makes the choices of one execution on tables.

    Programs are offered in the order of creation, required ones first, not in the default order; `Walk.choices`
    has them as `actors.runtime.schedule` counts them.
    """

    def program(self, walk: "Walk", options: tuple[Option, ...]) -> int:
        """Return the place of the program whose message is handled next."""

    def outcome(self, walk: "Walk", option: Option) -> int:
        """Return the index of the outcome that the hardware takes; asked only if there are several."""


class Walk:
    """One execution on tables: where it stands, and what was chosen."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.state: State = graph.first
        self.steps = 0
        self.last = -1
        self.choices: list[int] = []
        self.ending: Ending | None = None
        self.met: set[str] = set()

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of the conditions that are broken where it stands, and of the programs that failed."""
        return self.state.violated

    def run(self, chooser: TableChooser, limit: int) -> "Walk":
        """Run to the end, or for at most `limit` steps."""
        graph, state = self.graph, self.state
        met, choices = self.met, self.choices
        met |= state.met
        while state.ending is None:
            if self.steps >= limit:
                self.ending = "limit"
                return self
            options = state.options
            if options is None:
                options = graph.options(state)
            if not options:
                break
            place = chooser.program(self, options)
            option = options[place]
            choices.append(self.counted(options, place))
            index = 0
            if len(option[2]) > 1:
                index = chooser.outcome(self, option)
                choices.append(index)
            self.last = option[0]
            self.steps += 1
            self.state = state = state.after[place][index] or graph.follow(state, place, index)
            if state.met:
                met |= state.met
        self.ending = state.ending
        return self

    def counted(self, options: tuple[Option, ...], place: int) -> int:
        """Return the place as a choice: in the default order, whoever took the last step comes first."""
        last = self.last
        for first, option in enumerate(options):
            if option[0] == last:
                return 0 if place == first else place + 1 if place < first else place
        return place
