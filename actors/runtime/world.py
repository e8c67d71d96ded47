"""A world: cells, programs, and what must hold.

Building a world runs nothing. What is built is plain description, so that any driver can execute it any
number of times: initial values of cells, programs with their arguments, conditions. Everything is checked to
be a value on the way in.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from actors.runtime.conditions import Checks, Condition, Predicate, at_most_one, check_words
from actors.runtime.devices import Choice, Lock, Mailbox, RunQueue, Variable
from actors.runtime.errors import ModelError
from actors.runtime.program import Behaviour
from actors.runtime.values import check_program, check_value
from protocol.handles import Cell, Label, Program
from protocol.records import Column, Kind, Step

T = TypeVar("T")


class ProgramSpec(msgspec.Struct, frozen=True):
    """A program there from the start; `key` is its place in the default order: required ones first."""

    handle: Program
    function: Behaviour
    args: tuple[Any, ...]
    background: bool
    key: tuple[Any, ...]


class World:
    """A description of cells, programs and conditions; see the module."""

    model = "actors exchanging messages"
    """What the `Model` line of a report says was modelled, before bounds and consistency."""

    def __init__(self) -> None:
        self.cells: dict[Cell, Any] = {}
        self.programs: list[ProgramSpec] = []
        self.conditions: list[Condition] = []
        self.budgets: dict[str, int] = {}
        self.sources: dict[str, str] = {}
        """The class of event of each program that is a source of events, by its name."""
        self._checks: dict[frozenset[str] | None, Checks] = {}

    # What there is.

    def cell(self, cell: Cell, initial: Any) -> None:
        """Add a cell with its initial value."""
        if cell in self.cells:
            raise ModelError(f"there are two cells called {cell.name!r}; names have to differ")
        check_value(initial, f"initial value of {cell.name}")
        self.cells[cell] = initial

    def variable(self, name: str, initial: T) -> Variable[T]:
        """Add a memory location."""
        made: Variable[T] = Variable(name)
        self.cell(made.cell, initial)
        return made

    def lock(self, name: str) -> Lock:
        """Add a lock, free."""
        made = Lock(name)
        self.cell(made.cell, None)
        return made

    def mailbox(self, name: str, capacity: int = 1) -> Mailbox[Any]:
        """Add an empty mailbox for at most `capacity` values."""
        if capacity < 1:
            raise ModelError(f"mailbox {name}: a capacity of {capacity} holds nothing; give at least 1")
        made: Mailbox[Any] = Mailbox(name, capacity)
        self.cell(made.cell, ())
        return made

    def run_queue(self, name: str, *, fifo: bool = False) -> RunQueue:
        """Add an empty run queue."""
        made = RunQueue(name, fifo)
        self.cell(made.cell, ())
        return made

    def choice(self, name: str = "environment") -> Choice:
        """Return a source of choices that the environment makes."""
        return Choice(name)

    # Who runs.

    def program(
        self, function: Behaviour, *args: Any, name: str | None = None, background: bool = False
    ) -> Program:
        """Add `function(*args)`; a background one need not finish. The default name is the function's."""
        handle = Program(name or self._free_name(function.__name__))
        if any(spec.handle == handle for spec in self.programs):
            raise ModelError(f"there are two programs called {handle.name!r}; give one of them another name=")
        check_program(function, args, handle.name)
        key = (background, (0, len(self.programs), ""))
        self.programs.append(ProgramSpec(handle, function, args, background, key))
        self.cell(handle.life, True)
        return handle

    def source(
        self, function: Behaviour, *args: Any, event: str, budget: int, name: str | None = None
    ) -> Program:
        """Add a background program that is a source of asynchronous events, at most `budget` of them.

        `event` is their class. What happens without them is what happens while none of its sources takes a step.
        """
        if not event:
            raise ModelError("a source of events has a class of event, which a report can name; give event=")
        if budget < 0:
            raise ModelError(f"a budget of {budget} {event} would never be used up; give 0 or more")
        handle = self.program(function, *args, name=name, background=True)
        self.sources[handle.name] = event
        self.budgets[event] = self.budgets.get(event, 0) + budget
        return handle

    def _free_name(self, base: str) -> str:
        taken = {spec.handle.name for spec in self.programs}
        if base not in taken:
            return base
        number = 1
        while f"{base}{number}" in taken:
            number += 1
        return f"{base}{number}"

    # What must hold.

    def always(
        self,
        name: str,
        predicate: Predicate,
        *reads: Any,
        at: Predicate | None = None,
        kind: Kind = "symptom",
        words: str = "",
        after: Iterable[Program] = (),
    ) -> None:
        """`predicate(*values of reads)` holds in every state, or in those where `at(*values)` does.

        With `after` it need not hold before these programs of the world have returned: what must be true at the very
        end is better said so, since it then leaves a reduced search its freedom on the way there.
        `words` is how the harmed one reports it, for the last row of a chart, with `{}` for the values of `reads` in turn, or
        `{0}` for the first of them. Raises ModelError for words with which that cannot be done.
        """
        programs = tuple(after)
        check_words(name, words, len(reads))
        looks = (*_reads(reads), *(program.life for program in programs))
        self._condition(Condition("always", name, predicate, looks, at, kind, words, programs))

    def sometimes(self, name: str, predicate: Predicate, *reads: Any) -> None:
        """`predicate(*values of reads)` holds in some state of some execution; else nothing was tested."""
        self._condition(Condition("sometimes", name, predicate, _reads(reads)))

    def never_two(self, name: str, *labels: Any, kind: Kind = "symptom") -> None:
        """At most one of these labels or cells is set at any time."""
        self.always(name, at_most_one, *labels, kind=kind)

    def _condition(self, condition: Condition) -> None:
        if any(condition.name == other.name for other in self.conditions):
            raise ModelError(f"there are two conditions called {condition.name!r}; names have to differ")
        if not condition.reads:
            raise ModelError(f"condition {condition.name!r} names no cell or label to decide on")
        for read in condition.reads:
            if isinstance(read, Cell) and read not in self.cells:
                raise ModelError(
                    f"condition {condition.name!r} reads {read.name!r}, a cell that this world lacks"
                )
        self.conditions.append(condition)
        self._checks.clear()

    def check(self) -> None:
        """Refuse a world in which nothing would be tested: nobody has to run, or a label is nobody's."""
        names = {spec.handle.name for spec in self.programs}
        if all(spec.background for spec in self.programs):
            raise ModelError("this world has no program that has to finish, so nothing would run")
        for condition in self.conditions:
            for read in condition.reads:
                if isinstance(read, Label) and not any(
                    read.program == name or read.program.startswith(f"{name}.") for name in names
                ):
                    raise ModelError(
                        f"condition {condition.name!r} reads a label of {read.program!r}, a program that this world lacks"
                    )

    def checks(self, only: frozenset[str] | None = None) -> Checks:
        """Return the conditions to check; `only` limits the `always` ones to those of these names."""
        found = self._checks.get(only)
        if found is None:
            wanted = [c for c in self.conditions if c.mode == "sometimes" or only is None or c.name in only]
            found = self._checks[only] = Checks(wanted)
        return found

    def event(self, program: str, message: Any, before: Mapping[Cell, Any]) -> str:
        """Return the class of event that a step is, or nothing: here every step of a source is one.

        `before` holds the values of the step's footprint.
        """
        del message, before
        return self.sources.get(program, "")

    # What a person sees; worlds with CPUs say more.

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the chart: one a program."""
        return tuple(Column(spec.handle.name) for spec in self.programs)

    def annotate(
        self, step: Step, message: Any, reply: Any, before: Mapping[Cell, Any], after: Mapping[Cell, Any]
    ) -> Step:
        """Return the record of a step with what only this kind of world knows added.

        `reply` may be RETRY; `before` holds the footprint's values before the step, `after` all cells after
        it.
        """
        del message, reply, before, after
        return step

    def bounds(self) -> str:
        """Return the bounds of the model for the `Model` line."""
        return ", ".join(f"{name} {count}" for name, count in self.budgets.items())


def _reads(reads: tuple[Any, ...]) -> tuple[Cell | Label, ...]:
    """Accept cells and labels, and devices that have one cell."""
    found: list[Cell | Label] = []
    for read in reads:
        target = read if isinstance(read, Cell | Label) else getattr(read, "cell", None)
        if not isinstance(target, Cell | Label):
            raise ModelError(f"a condition reads cells and labels; {type(read).__name__} is neither")
        found.append(target)
    return tuple(found)
