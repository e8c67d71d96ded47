"""The kernel's data: tasks, their fpstate, and per-CPU variables, by the names of the cells that hold them.

Everything that outlives one routine, or that another context may read, is a cell; a program's locals are registers and stack.
"""

import msgspec

from actors.machine.processor import PerCpu
from protocol.handles import Cell, Program


class Fpstate(msgspec.Struct, frozen=True):
    """struct fpstate: `xfd`, and `regs`, its XSAVE area."""

    owner: str

    @property
    def xfd(self) -> Cell:
        """fpstate->xfd: the components that this task may not use yet."""
        return Cell(f"{self.owner}->fpstate.xfd")

    @property
    def regs(self) -> Cell:
        """fpstate->regs, an XSAVE area in the compacted format."""
        return Cell(f"{self.owner}->fpstate.regs")


class Task(msgspec.Struct, frozen=True):
    """task_struct: the program that it runs, its fpstate, and its permissions (mask of dynamic features)."""

    program: Program
    fpstate: Fpstate
    perm: int = 0
    kthread: bool = False


class Kernel(msgspec.Struct, frozen=True):
    """The kernel's per-CPU variables, and what it found at boot.

    `features` are the components that it saves and restores, `dynamic` those of them that XFD can disable.
    """

    runqueue: PerCpu
    idle: PerCpu
    need_resched: PerCpu
    preempt_count: PerCpu
    xfd_state: PerCpu
    features: int
    dynamic: int
