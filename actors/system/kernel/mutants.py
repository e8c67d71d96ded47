"""Changes of one line in kernel code, each with a name: what a healthy system owes to that line.

A mutant is asked for by name, one at a time, and `MUTANTS` says what it does. The routine that has the line writes
`if kernel.keeps(name):` before a line that the mutant takes away, and `if kernel.is_mutant(name):` before one that only it
has; a line that is moved has both. Past these one reads the routine as it should be. A step that only a mutant has ends with
`# variant`: a proof about the kernel need not have run it.

Most are caught by an invariant, in the healthy worlds of `scenarios`. Some change nothing that anybody could see:

====================  ==============================================================================================
equivalent            why
====================  ==============================================================================================
need_load_after_save  interrupts are on, so one may come between the flag and the save; but in_kernel_fpu is set by
                      then, and irq_fpu_usable() false for its handler and its softirq, which leave flag and
                      registers alone; with preemption off nobody switches, or returns to user mode, the only
                      others who look at the flag; the save does not. A softirq that does not ask first spoils
                      what is saved in either order, and is warned of
cleared_before_load   interrupts are off on the way to user mode, and under fpregs_lock() softirqs are, and
                      irq_fpu_usable() is false; an XRSTORS that faults is fixed up at once
published_before_xfd  fpregs_lock() is held from the pointer to the register, and an fpstate's xfd begins as zero
last_cpu_unsaved      a task whose flag is clear has loaded its registers on this CPU, which has set last_cpu
====================  ==============================================================================================
"""

import difflib
from typing import Literal

from actors.runtime.errors import VmraceError

MUTANTS: dict[str, str] = {
    # arch/x86/kernel/fpu/core.c, context.h, sched.h
    "owner_kept": "kernel_fpu_begin() does not set owner = NULL",
    "need_load_after_save": "kernel_fpu_begin() sets TIF_NEED_FPU_LOAD behind the save, not before it",
    "kernel_fpu_flag_kept": "kernel_fpu_begin() saves, but does not set TIF_NEED_FPU_LOAD",
    "kernel_fpu_unsaved": "kernel_fpu_begin() sets TIF_NEED_FPU_LOAD, but does not save",
    "switch_unsaved": "switch_fpu_prepare() does not save",
    "last_cpu_unsaved": "switch_fpu_prepare() does not set last_cpu",
    "need_load_unset": "switch_fpu_finish() does not set TIF_NEED_FPU_LOAD",
    "idle_owner_kept": "fpu_idle_fpregs() releases the tiles, but does not set owner = NULL",
    "owner_not_set": "fpregs_restore_userregs() does not set owner",
    "last_cpu_not_set": "fpregs_restore_userregs() does not set last_cpu",
    "cleared_before_load": "fpregs_restore_userregs() clears TIF_NEED_FPU_LOAD before it loads",
    "last_cpu_alone": "fpregs_state_valid() does not look at owner",
    "owner_alone": "fpregs_state_valid() does not look at last_cpu",
    "own_features_only": "restore_fpregs_from_fpstate() leaves out features that the fpstate has no room for",
    # arch/x86/kernel/fpu/xstate.c, traps.c
    "xfd_not_updated": "restore_fpregs_from_fpstate() does not call xfd_update_state()",
    "xfd_state_not_written": "xfd_set_state() writes the MSR, but not its copy",
    "xfd_err_kept": "handle_xfd_event() does not clear XFD_ERR",
    "realloc_unrestored": "fpstate_realloc() does not load the registers before it takes another fpstate",
    "realloc_xfd_kept": "fpstate_realloc() does not call xfd_update_state()",
    "published_unlocked": "fpstate_realloc() publishes the fpstate before it calls fpregs_lock()",
    "published_before_xfd": "fpstate_realloc() publishes the fpstate before it sets its xfd",
    # kernel/entry/common.c, kernel/softirq.c, include/linux/preempt.h
    "flags_read_once": "exit_to_user_mode_prepare() tests TIF_NEED_FPU_LOAD as it was before the work",
    "owner_read_once": "exit_to_user_mode_prepare() asks fpregs_state_valid() before the work, and keeps the answer",
    "no_fpregs_lock": "fpregs_lock() and fpregs_unlock() do nothing",
    "softirq_in_lock": "irq_exit() runs softirqs also where bottom halves are disabled",
    "preempted_in_lock": "irqentry_exit() reschedules also where bottom halves are disabled",
}
"""By name: what was changed."""

Mutant = Literal[
    "none",
    "owner_kept",
    "need_load_after_save",
    "kernel_fpu_flag_kept",
    "kernel_fpu_unsaved",
    "switch_unsaved",
    "last_cpu_unsaved",
    "need_load_unset",
    "idle_owner_kept",
    "owner_not_set",
    "last_cpu_not_set",
    "cleared_before_load",
    "last_cpu_alone",
    "owner_alone",
    "own_features_only",
    "xfd_not_updated",
    "xfd_state_not_written",
    "xfd_err_kept",
    "realloc_unrestored",
    "realloc_xfd_kept",
    "published_unlocked",
    "published_before_xfd",
    "flags_read_once",
    "owner_read_once",
    "no_fpregs_lock",
    "softirq_in_lock",
    "preempted_in_lock",
]
"""What a scenario may ask for; `none` is the kernel as it is."""

EQUIVALENT = frozenset(
    {"need_load_after_save", "cleared_before_load", "published_before_xfd", "last_cpu_unsaved"}
)
"""Those in the docstring's table, which are proved like the kernel itself."""


def check_mutant(name: str) -> str:
    """Return the name, or nothing for `none`; raises VmraceError if there is no such mutant, with the nearest ones."""
    if name == "none":
        return ""
    if name and name not in MUTANTS:
        near = difflib.get_close_matches(name, MUTANTS, n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(MUTANTS)}"
        raise VmraceError(f"no mutant is called {name!r}; {hint}")
    return name
