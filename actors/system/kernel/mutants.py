"""Changes of one line in kernel code, each with a name: what a healthy system owes to that line.

A mutant is asked for by name, one at a time, and says in the table what it does. The routine that has the line asks
`kernel.is_mutant(name)`.
"""

import difflib

from actors.runtime.errors import VmraceError

MUTANTS: dict[str, str] = {
    "owner_kept": "kernel_fpu_begin() does not set owner = NULL",
    "need_load_after_save": "kernel_fpu_begin() sets TIF_NEED_FPU_LOAD behind the save, not before it",
    "no_fpregs_lock": "fpregs_lock() and fpregs_unlock() do nothing",
}


def check_mutant(name: str) -> str:
    """Return the name; raises VmraceError if there is no such mutant, with the nearest ones."""
    if name and name not in MUTANTS:
        near = difflib.get_close_matches(name, MUTANTS, n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(MUTANTS)}"
        raise VmraceError(f"no mutant is called {name!r}; {hint}")
    return name
