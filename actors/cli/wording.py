"""What an exploration found or covered, in words."""

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from actors.cli.explaining import minimised_words
from actors.explore.results import Exploration
from actors.observe.report import entries, report
from actors.observe.text import WIDTH, wrap
from actors.runtime.scenario import Scenario

if TYPE_CHECKING:
    from actors.explore.showing import Shown


def told(found: Exploration, findings: "Sequence[Shown]", replay: Callable[[str], str], *, full: bool) -> str:
    """Tell all of it; `findings` are what is shown of those found, `replay` gives the command for a token."""
    words = [minimised_words(one.minimised, dict(one.recorded.record.budgets)) for one in findings]
    blocks = [_summary(found, words[0] if len(words) == 1 else "")]
    for finding, (recorded, _), word in zip(found.findings, findings, words, strict=True):
        if len(findings) > 1:
            size = word or _count(len(recorded.record.steps), "step")
            blocks.append(
                "\n".join(wrap(f"Execution {finding.execution}: {', '.join(recorded.names)} ({size})", WIDTH))
            )
        blocks.append(report(recorded.record, recorded.token, replay, full=full))
    if not found.findings:
        blocks.append("\n".join(_covered(found)))
    if found.note is not None:
        blocks.append("\n".join(wrap(found.note, WIDTH)))
    if found.unreproduced:
        blocks.append(f"vmrace: {_message(found)}")
    return "\n\n".join(block for block in blocks if block)


def message(found: Exploration) -> str | None:
    """Say in a line what the verdict alone does not, and what the strategy has to say."""
    parts = [part for part in (_message(found), found.note) if part]
    return "; ".join(parts) or None


def _message(found: Exploration) -> str | None:
    if found.unreproduced:
        lost = found.unreproduced[0]
        what = ", ".join(lost.names) or "what it did"
        return f"execution {lost.execution} did not reproduce ({what}): {lost.why}; this is a bug in vmrace"
    if found.stopped:
        return f"stopped by Ctrl-C after {found.executions} of {found.wanted} executions"
    if found.findings:
        violation = found.findings[0].recorded.record.violation
        return violation.text if violation is not None else None
    if found.undecided:
        return f"{found.undecided} of {found.executions} executions were ended by the limit on steps"
    unmet = [name for name, met in found.sometimes.items() if not met]
    return f"never met: {', '.join(unmet)}" if unmet else None


def command(token: str, scenario: Scenario, spec: str | None) -> str:
    """Return the command that replays a token; a user's own file has to be named again."""
    own = f" {shlex.quote(spec)}" if spec is not None and spec != scenario.name else ""
    return f"vmrace replay {token}{own}"


def _summary(found: Exploration, minimised: str) -> str:
    done = _count(found.executions, "execution")
    if found.orders is not None:
        done += f" ({_count(found.orders, 'distinct order')})"
    if found.findings and found.violations == 1:
        text = f"violated, found after {done}"
    elif found.findings:
        text = f"violated in {found.violations} of {done}"
    else:
        text = f"{found.verdict} in {done}"
    why = f"; {_message(found)}" if found.stopped or (found.undecided and not found.findings) else ""
    shown = f"; {minimised}" if minimised else ""
    return "\n".join(wrap(f"{found.scenario}: {text}, {found.seconds:.2f}s{why}{shown}", WIDTH))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _covered(found: Exploration) -> list[str]:
    """Say what a search without a finding went through."""
    met = [name for name, met in found.sometimes.items() if met]
    unmet = [name for name, met in found.sometimes.items() if not met]
    return [*entries("Met", met), *entries("Never met", unmet), *entries("Model", [found.model])]
