"""What should happen somewhere in a healthy world: predicates for `sometimes`, without which a proof says little."""

from actors.machine.state import Placement
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags


def off_cpu_with_registers(placement: Placement, flags: Flags) -> bool:
    """A task was switched away from while its state was in the registers."""
    return placement.cpu is None and not flags & (Flags.TIF_NEED_FPU_LOAD | Flags.PF_EXITING)


def reallocated(fpstate: Fpstate) -> bool:
    """A task has another fpstate than it began with."""
    return "[" in fpstate.name


def any_set(*labels: object) -> bool:
    """One of several programs says so of itself."""
    return any(labels)
