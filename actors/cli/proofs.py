"""What a search of every order found or proved, in words."""

from collections.abc import Callable

from actors.explore.results import Recorded
from actors.explore.verification import Verification
from actors.observe.report import entries, entry, report
from actors.observe.text import WIDTH, wrap

_UNEXECUTED = 10
"""Steps never executed that are listed unless everything is asked for."""


def told(
    found: Verification, shown: Recorded | None, words: str, replay: Callable[[str], str], *, full: bool
) -> str:
    """Tell all of it; `shown` is what is shown of the counterexample, `words` say how it was minimised.

    `replay` gives the command for a token.
    """
    text = f"{summary(found)}; {words}" if words else summary(found)
    blocks = ["\n".join(wrap(text, WIDTH))]
    if shown is not None:
        blocks.append(report(shown.record, shown.token, replay, full=full))
        if len(found.broken) > 1:
            blocks.append("\n".join(entries("Broken", found.broken)))
    else:
        blocks.append("\n".join(_covered(found, full=full)))
    if found.unreproduced is not None:
        blocks.append(f"vmrace: {message(found)}")
    return "\n\n".join(block for block in blocks if block)


def summary(found: Verification) -> str:
    """Say in one sentence what was decided, and within which bounds."""
    size = (
        f"{_classes(found)}{found.states:,} states{_reduced(found)}, {found.transitions:,} transitions, "
        f"{found.depth} steps deep, "
        f"{found.seconds:.2f}s{', and the same again with other fingerprints' if found.confirmed else ''}"
    )
    if found.recorded is not None:
        steps = len(found.recorded.record.steps)
        which = "the shortest" if found.shortest else "a minimised" if found.reduced else "the first"
        text = f"violated, {which} counterexample has {steps} step{'' if steps == 1 else 's'}"
        return f"{found.scenario}: {text} ({size})"
    within = f"{found.model}, one message a step"
    if found.verdict == "inconclusive":
        return f"{found.scenario}: inconclusive, {message(found)} ({size}); {within}"
    return f"{found.scenario}: {found.verdict}, in every order of {within} ({size})"


def _classes(found: Verification) -> str:
    if found.classes is None:
        return ""
    return f"{found.classes:,} classes of executions, {found.blocked:,} blocked prefixes, "


def _reduced(found: Verification) -> str:
    if not found.reduced:
        return ""
    met = f" of {found.visited:,} met" if found.visited is not None else ""
    return f" stored{met} by a reduced search"


def message(found: Verification) -> str | None:
    """Say in a line what the verdict alone does not."""
    if found.unreproduced is not None:
        what = ", ".join(found.unreproduced.names)
        return (
            f"a finding did not reproduce on Trio ({what}): {found.unreproduced.why}; this is a bug in vmrace"
        )
    if found.limit == "endless":
        return "a state leads back to itself: endless executions fall into no finite number of classes"
    if found.limit is not None:
        ended = "stopped by Ctrl-C" if found.limit == "stopped" else f"ended by the limit on {found.limit}"
        covered = f"all orders of up to {max(found.depth - 1, 0)} steps covered"
        if found.classes is not None:
            covered = f"{found.classes:,} classes of executions run"
        again = ", not confirmed by a second search" if found.confirmed is False else ""
        return f"{ended} after {found.states:,} states, {covered}{again}"
    if found.recorded is not None:
        violation = found.recorded.record.violation
        return violation.text if violation is not None else None
    unmet = [name for name, met in found.sometimes.items() if not met]
    return f"never met: {', '.join(unmet)}" if unmet else None


def _covered(found: Verification, *, full: bool) -> list[str]:
    met = [name for name, met in found.sometimes.items() if met]
    unmet = [name for name, met in found.sometimes.items() if not met]
    lines = [*entries("Met", met), *entries("Never met", unmet)]
    if found.collision:
        text = f"at most {found.collision:.1e} that a state was taken for another (64-bit fingerprints)"
        lines += entry("Chance", text)
    shown = found.unexecuted if full else found.unexecuted[:_UNEXECUTED]
    lines += entries("Not run", shown)
    left = len(found.unexecuted) - len(shown)
    if left:
        lines += entry("", f"and {left} more steps of the code (--full lists them)")
    return lines
