"""What a kernel with CONFIG_X86_DEBUG_FPU=y warns of: its own check of XFD, before each save and restore.

Which save or restore that is, a routine says by a label (`kernel.xstate_op`); `invariants.buffers` asks this rule about each.
Follows xstate_op_valid() and xfd_validate_state() of arch/x86/kernel/fpu/xstate.c.
"""

from actors.system.kernel.data import Fpstate
from actors.system.kernel.warnings import Warn

XFD_VALIDATE_STATE = Warn("arch/x86/kernel/fpu/xstate.c", "xfd_validate_state")


def xstate_op_valid(
    target: Fpstate,
    mask: int,
    *,
    target_xfd: int | None,
    current_xfd: int | None,
    xfd_state: int,
    init: bool,
    rstor: bool,
) -> bool:
    """xstate_op_valid(): whether a save to an fpstate, or a load from it, may be done under this CPU's copy of XFD.

    `current_xfd` is that of the current task's fpstate; `init` says that the target is init_fpstate, `mask` are the components
    that the instruction is asked for.
    """
    if target_xfd == xfd_state:
        return True
    if target_xfd == current_xfd:
        return False
    if init:
        return rstor
    return not mask & ~xfd_state & ~target.xfeatures
