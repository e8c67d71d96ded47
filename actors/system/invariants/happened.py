"""What should happen somewhere in a healthy world: predicates for `sometimes`, without which a proof says little."""

import msgspec

from actors.machine.state import CpuState, Placement
from actors.system.invariants.subject import is_current
from actors.system.kernel.data import Fpstate, Task
from actors.system.kernel.flags import Flags
from protocol.handles import Program


def off_cpu_with_registers(placement: Placement, flags: Flags) -> bool:
    """A task was switched away from while its state was in the registers."""
    return placement.cpu is None and not flags & (Flags.TIF_NEED_FPU_LOAD | Flags.PF_EXITING)


def reallocated(fpstate: Fpstate) -> bool:
    """A task has another fpstate than it began with."""
    return "[" in fpstate.name


class FoundValid(msgspec.Struct, frozen=True):
    """A task is back on a CPU whose registers hold its state still, so that nothing need be loaded."""

    task: Task
    cpu: int

    def __call__(self, cpu: CpuState, owner: Program | None, flags: Flags, last_cpu: int) -> bool:
        """Decide on a CPU, its owner, and the task's flags and last_cpu."""
        lazy = is_current(cpu, self.task) and bool(flags & Flags.TIF_NEED_FPU_LOAD)
        return lazy and owner == self.task.program and last_cpu == self.cpu
