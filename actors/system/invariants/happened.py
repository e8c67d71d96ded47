"""What should happen somewhere in a healthy world: predicates for `sometimes`, without which a proof says little."""

import msgspec

from actors.machine.state import CpuState, Placement
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags
from protocol.handles import Program


def off_cpu_with_registers(placement: Placement, flags: Flags) -> bool:
    """A task was switched away from while its state was in the registers."""
    return placement.cpu is None and not flags & (Flags.TIF_NEED_FPU_LOAD | Flags.PF_EXITING)


def reallocated(fpstate: Fpstate) -> bool:
    """A task has another fpstate than it began with."""
    return "[" in fpstate.name


def any_set(*labels: object) -> bool:
    """One of several programs says so of itself."""
    return any(labels)


class PreemptedByInterrupt(msgspec.Struct, frozen=True):
    """A task runs on a CPU and has still to return from preempt_schedule_irq(): what it is to return to is the kernel."""

    program: Program

    def __call__(self, cpu: CpuState) -> bool:
        """Decide; a system call and an interrupt of user mode return there."""
        mine = (frame for frame in cpu.frames if frame.program == self.program)
        return any(frame.saved and frame.saved[-1].ring.cpl == 0 for frame in mine)
