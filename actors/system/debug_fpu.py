"""What a kernel with CONFIG_X86_DEBUG_FPU=y warns of: its own checks, as predicates of what it is about to do.

A routine says by a label which fpstate it is about to load (`xrstors`) or save to (`xsaves`). Follows xstate_op_valid() and
xfd_validate_state() of arch/x86/kernel/fpu/xstate.c.
"""

from actors.system.kernel.data import Fpstate

XFD_VALIDATE_STATE = "WARNING: arch/x86/kernel/fpu/xstate.c, xfd_validate_state()"


def xstate_op_valid(
    target: Fpstate, target_xfd: int, current_xfd: int, xfd_state: int, mask: int, *, init: bool, rstor: bool
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


def restore_is_valid(
    loading: Fpstate | None, own: Fpstate, own_xfd: int, init_xfd: int, xfd_state: int
) -> bool:
    """Whether a load from a task's own fpstate, or from init_fpstate, is done under the right XFD; None: there is none."""
    if loading is None:
        return True
    init = loading != own
    found = init_xfd if init else own_xfd
    return xstate_op_valid(loading, found, own_xfd, xfd_state, loading.xfeatures, init=init, rstor=True)
