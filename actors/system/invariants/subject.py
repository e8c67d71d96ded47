"""What an invariant is asked of: a CPU, a user task, both, or a program that stands before an instruction; and a check of it.

Each check is one condition. It reads few cells and belongs to one CPU and one task at most, which keeps searches fast and
leaves a reduced search its freedom.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from actors.machine.model import CpuModel
from actors.machine.state import CpuState, cpu_cell
from actors.runtime.conditions import Predicate
from actors.system.kernel.data import Fpstate, Kernel, Task
from actors.system.kernel.mm import UserArea
from protocol.handles import Cell, Label, Program
from protocol.records import Kind


class Check(msgspec.Struct, frozen=True):
    """One condition: as World.always() takes it."""

    name: str
    predicate: Predicate
    reads: tuple[Cell | Label, ...]
    at: Predicate | None = None
    kind: Kind = "hygiene"
    words: str = ""


class User(msgspec.Struct, frozen=True):
    """A user task, the fpstates that it has or may come to have, and the areas in user memory that it was given."""

    task: Task
    fpstates: tuple[Fpstate, ...]
    frames: tuple[UserArea, ...] = ()

    def descends_from(self, other: Program) -> bool:
        """Say whether the task is a child of that one, or a child's child, by its name: it begins with what that had."""
        return self.task.name.startswith(f"{other.name}.")

    @property
    def xfds(self) -> tuple[Cell, ...]:
        """fpstate->xfd of each."""
        return tuple(one.xfd.cell for one in self.fpstates)

    @property
    def areas(self) -> tuple[Cell, ...]:
        """fpstate->regs of each."""
        return tuple(one.regs for one in self.fpstates)


class Subject(msgspec.Struct, frozen=True):
    """A machine: its CPUs, the user tasks, and for each CPU the programs that are handlers of interrupts there.

    `secrets` are, for each task, values that nobody else may come to see, as they stand in registers; `kernel_values` those of
    the kernel itself.
    """

    kernel: Kernel
    model: CpuModel
    cpus: int
    users: tuple[User, ...]
    handlers: tuple[tuple[Program, ...], ...]
    secrets: tuple[tuple[Program, tuple[bytes, ...]], ...] = ()
    kernel_values: tuple[bytes, ...] = ()

    def of(self, cpu: int, *variables: str) -> tuple[Cell, ...]:
        """Return the cells of a CPU: its state, and per-CPU variables by their names in `Kernel`."""
        own = (getattr(self.kernel, name).each[cpu].cell for name in variables)
        return (cpu_cell(cpu), *own)

    def stable(self, cpu: int) -> tuple[Cell, ...]:
        """Return what `stable.stable` reads."""
        return self.of(cpu, "preempt_count", "in_kernel_fpu")

    def where(self, cpu: int) -> str:
        """Name the CPU, on a machine that has several."""
        return f" (CPU {cpu})" if self.cpus > 1 else ""

    def places(self) -> Iterator[tuple[int, User]]:
        """Go through each CPU with each user task."""
        for cpu in range(self.cpus):
            for user in self.users:
                yield cpu, user

    def programs(self) -> tuple[Program, ...]:
        """Return all that runs kernel code: tasks, and handlers of interrupts."""
        tasks = tuple(user.task.program for user in self.users)
        return (*tasks, *dict.fromkeys(one for each in self.handlers for one in each))

    def of_children(self, user: User) -> tuple[Fpstate, ...]:
        """Return the fpstates to which a task saves when it forks."""
        parent = user.task.program
        return tuple(child.fpstates[0] for child in self.users if child.descends_from(parent))

    def savers(self, cpu: int, user: User) -> tuple[Program, ...]:
        """Return who saves a task's registers on a CPU: the task, and handlers that interrupt it."""
        return (user.task.program, *self.handlers[cpu])


def runs(cpu: CpuState, program: Program) -> bool:
    """Say whether the context on top is this program's: its next step is the CPU's."""
    return cpu.frames[-1].program == program


def is_current(cpu: CpuState, task: Task) -> bool:
    """Say whether `current` is this task, whatever interrupts it."""
    return cpu.frames[0].program == task.program


def of_named(fpstate: Fpstate, among: tuple[Fpstate, ...], values: tuple[Any, ...]) -> Any:
    """Return the value that belongs to an fpstate, of values given for each of `among`; None if it is not there."""
    for one, value in zip(among, values, strict=True):
        if one.name == fpstate.name:
            return value
    return None
