"""Machine.invariants() and Machine.secret(): what must hold of any kernel, and which values are whose."""

import difflib
from collections.abc import Callable, Collection, Iterator
from typing import Any

from actors.machine.model import CpuModel
from actors.machine.state import Placement
from actors.runtime import World
from actors.runtime.errors import ModelError, VmraceError
from actors.system.invariants import INVARIANTS, SHIPPED, Check, Subject
from actors.system.invariants.subject import User
from actors.system.invariants.taint import word
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Kernel, Task
from actors.system.kernel.layout import possible_fpstates
from actors.system.kernel.mm import UserArea
from actors.system.xstate.kernel_fpu import KERNEL_VALUE
from protocol.handles import Program


class Invariants(World):
    """A world with a kernel, of which invariants can be asked."""

    kernel: Kernel
    cpu_model: CpuModel
    count: int

    def __init__(self) -> None:
        super().__init__()
        self.users: list[Task] = []
        self._secrets: dict[Program, tuple[bytes, ...]] = {}
        self._asked: dict[str, Check] = {}
        self._wanted: list[tuple[tuple[str, ...], Collection[Program] | None, Subject]] = []

    def secret(self, task: Program, *values: int | bytes) -> None:
        """Say that a task's code loads these values, which nobody else does: 64-bit numbers, or bytes as a register has them.

        A value of PKRU is a number too.

        I9 looks for them where they do not belong. Raises ModelError for a value that another task has, or that registers hold
        anyway.
        """
        made = tuple(value if isinstance(value, bytes) else word(value) for value in values)
        for value in made:
            if not any(value):
                raise ModelError(f"{task.name}: zeros are no secret; registers hold them anyway")
            for other, taken in self._secrets.items():
                if other != task and value in taken:
                    raise ModelError(f"{task.name}: {other.name} has the value {value[:8].hex()} too")
        self._secrets[task] = (*self._secrets.get(task, ()), *made)

    def invariants(self, *names: str, tasks: Collection[Program] | None = None) -> None:
        """Add the conditions of these invariants (see `actors.system.invariants`); of all that 6.12 keeps, without names.

        Call it when all tasks, secrets and sources of interrupts are there: there is a condition for each CPU and task, or for
        these `tasks` alone, and a world that has more of them in the end is refused. What is there already is not added again.
        Raises VmraceError for a name that is no invariant, with the nearest ones, and for a task that is none.
        """
        names, subject = names or tuple(SHIPPED), self._subject(tasks)
        for check in _checks_of(names, subject):
            if self._asked.get(check.name) == check:
                continue
            World.always(
                self,
                check.name,
                check.predicate,
                *check.reads,
                at=check.at,
                kind=check.kind,
                words=check.words,
            )
            self._asked[check.name] = check
        self._wanted.append((names, tasks, subject))

    def check(self) -> None:
        """Refuse as well a world that has grown behind its invariants, which would say less than they seem to."""
        super().check()
        for names, tasks, before in self._wanted:
            subject = self._subject(tasks)
            for check in _checks_of(names, subject) if subject != before else ():
                if self._asked.get(check.name) != check:
                    raise ModelError(
                        f"{check.name!r} is not what invariants() has added: something that it depends on came later; "
                        "call invariants() when all tasks, secrets and sources of interrupts are there"
                    )

    def _subject(self, tasks: Collection[Program] | None) -> Subject:
        known = [task.program for task in self.users]
        for task in tasks or ():
            if task not in known:
                raise VmraceError(f"{task.name} is no user task of this machine, so no invariant is about it")
        return Subject(
            self.kernel,
            self.cpu_model,
            self.count,
            tuple(self._user(task) for task in self.users if tasks is None or task.program in tasks),
            tuple(self._handlers(cpu) for cpu in range(self.count)),
            tuple(self._secrets.items()),
            (word(KERNEL_VALUE),),
        )

    def _user(self, task: Task) -> User:
        fpstates = possible_fpstates(self.cpu_model, self.cells[task.fpstate.cell], task.name)
        given = [spec.args for spec in self.programs if spec.handle == task.program]
        return User(task, fpstates, tuple(dict.fromkeys(_areas(given))))

    def _handlers(self, cpu: int) -> tuple[Program, ...]:
        """Return the sources of interrupts of a CPU: they never leave it."""
        sources = map(Program, self.sources)
        return tuple(one for one in sources if self.cells.get(one.placement) == Placement(cpu))


def _areas(value: Any) -> Iterator[UserArea]:
    """Yield the areas in user memory that a task is given: by its program's arguments, or for its signal."""
    if isinstance(value, UserArea):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _areas(one)
    elif isinstance(value, HostCpu) and value.task is not None and value.task.sigaction is not None:
        yield value.task.sigaction.frame


def _checks_of(names: tuple[str, ...], subject: Subject) -> Iterator[Check]:
    for name in names:
        yield from _known(name)(subject)


def _known(name: str) -> Callable[[Subject], Iterator[Check]]:
    if name not in INVARIANTS:
        near = difflib.get_close_matches(name, INVARIANTS, n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(INVARIANTS)}"
        raise VmraceError(f"no invariant is called {name!r}; {hint}")
    return INVARIANTS[name]
