"""The fixes that the kernel can be run without, each a switch named by its commit, and how they are chosen.

What is modelled is Linux 6.12.117, PREEMPT_RT off; `shipped` says whether that has the fix. A choice is text, as it stands on
a command line: it begins with `shipped`, `all` or `none` (left out: `shipped`), and then adds or removes commits, as in
`-388eff894d6b` or `none,+10e4b5166df9`. A routine asks `kernel.has("388eff894d6b")`.
"""

import difflib

import msgspec

from actors.runtime.errors import VmraceError


class Fix(msgspec.Struct, frozen=True):
    """One commit: what it is about, whether 6.12.117 has it, and its subject where it is known."""

    about: str
    shipped: bool = True
    subject: str = ""


FIXES: dict[str, Fix] = {
    "10e4b5166df9": Fix(
        "hotplug leaves the copy of XFD stale", subject="x86/fpu: Keep xfd_state in sync with MSR_IA32_XFD"
    ),
    "388eff894d6b": Fix("signal delivery and sigreturn load initial state under another task's XFD"),
    "bbc55341b9c6": Fix("a sigreturn that fails leaves another task the owner of changed registers"),
    "d8778e393afa": Fix("an XRSTOR that fails may have changed registers that another task owns"),
    "814fb7bb7db5": Fix(
        "ptrace sets a bogus XCOMP_BV", subject="x86/fpu: Don't let userspace set bogus xcomp_bv"
    ),
    "d5c8028b4788": Fix(
        "a restore that faults leaves another task's registers",
        subject="x86/fpu: Reinitialize FPU registers if restoring FPU state fails",
    ),
}
"""By the first 12 digits. Subjects are those that could be read."""

_STARTS = {
    "shipped": frozenset(commit for commit, fix in FIXES.items() if fix.shipped),
    "all": frozenset(FIXES),
    "none": frozenset[str](),
}


def missing(choice: str) -> tuple[str, ...]:
    """Return the fixes that a choice leaves out, in the table's order; raises VmraceError for what is no choice."""
    first, *others = choice.split(",")
    if first and first[0] not in "+-":
        present = set(_start(first))
    else:
        present, others = set(_STARTS["shipped"]), [first, *others]
    for word in filter(None, others):
        if word[0] not in "+-":
            raise VmraceError(f"fixes: {word!r} says neither + nor -; write +{word} or -{word}")
        commit = _known(word[1:])
        present = present | {commit} if word[0] == "+" else present - {commit}
    return tuple(commit for commit in FIXES if commit not in present)


def _start(word: str) -> frozenset[str]:
    if word in FIXES:
        raise VmraceError(f"fixes: {word!r} says neither + nor -; write +{word} or -{word}")
    if word not in _STARTS:
        known = [*_STARTS, *FIXES]
        near = difflib.get_close_matches(word, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(_STARTS)}"
        raise VmraceError(f"fixes: {word!r} is no start of a choice; {hint}")
    return _STARTS[word]


def _known(commit: str) -> str:
    if commit not in FIXES:
        near = difflib.get_close_matches(commit, FIXES, n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(FIXES)}"
        raise VmraceError(f"fixes: no switch is called {commit!r}; {hint}")
    return commit
