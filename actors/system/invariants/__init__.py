"""What must hold of a kernel that keeps extended state: the invariants, each a set of conditions, checked where it holds.

==================  ==================  =======================================================================
name                module              what holds, and where
==================  ==================  =======================================================================
I1                  xfd                 XFD_ERR = 0, in user mode and wherever a task may be preempted
I1s                 xfd                 the same wherever the host has interrupts on: the 2021 mail's design only
I2                  xfd                 xfd_state = XFD, at stable points
I3                  ownership           current, TIF_NEED_FPU_LOAD clear: owner, last_cpu, XFD; at stable points
I4                  buffers             XRSTOR(S) loads nothing that XFD disables, at the instruction
I5                  buffers             XSAVE(S) writes nothing that the buffer has no room for, at the instruction
I6                  ownership           valid registers hold their owner's state, at stable points
I7                  registers           XCR0 and XSS are the host's, at saves, restores, and where one may schedule
I9                  taint               nobody reads another's value
I10                 dying               no #NM in host kernel mode, at the instruction
xfd_validate_state  buffers             the kernel's own warning of CONFIG_X86_DEBUG_FPU, at saves and restores
WARN                dying               no other WARN() of the kernel's is hit
==================  ==================  =======================================================================

`stable` says what stable points are, `subject` what an invariant is asked of, `contents` what registers and areas hold.
`Machine.invariants(...)` adds the conditions, one for each CPU and task. `labels`, `modes`, `values` and `happened` are
predicates for a scenario's own conditions.

May import: `actors.system.debug_fpu`, `actors.system.kernel`, `actors.machine`, `actors.runtime`, `protocol`.
"""

from collections.abc import Callable, Iterator

from actors.system.invariants.buffers import i4, i5, xfd_validate_state
from actors.system.invariants.dying import i10, warn
from actors.system.invariants.labels import is_set, known, none_or_zero, not_false, unset
from actors.system.invariants.modes import (
    exit_while,
    host_if_set,
    host_user,
    off_cpu_while,
    runs_on_other,
)
from actors.system.invariants.ownership import i3, i6
from actors.system.invariants.registers import i7
from actors.system.invariants.subject import Check, Subject
from actors.system.invariants.taint import i9
from actors.system.invariants.xfd import i1, i1s, i2, xfd_err_clear, xfd_is_cached

INVARIANTS: dict[str, Callable[[Subject], Iterator[Check]]] = {
    "I1": i1,
    "I1s": i1s,
    "I2": i2,
    "I3": i3,
    "I4": i4,
    "I5": i5,
    "I6": i6,
    "I7": i7,
    "I9": i9,
    "I10": i10,
    "xfd_validate_state": xfd_validate_state,
    "WARN": warn,
}
"""By the name that one asks for."""

SHIPPED = tuple(name for name in INVARIANTS if name != "I1s")
"""Those that the kernel as it shipped keeps."""

__all__ = [
    "INVARIANTS",
    "SHIPPED",
    "Check",
    "Subject",
    "exit_while",
    "host_if_set",
    "host_user",
    "is_set",
    "known",
    "none_or_zero",
    "not_false",
    "off_cpu_while",
    "runs_on_other",
    "unset",
    "xfd_err_clear",
    "xfd_is_cached",
]
