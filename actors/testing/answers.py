"""What a test's question was answered, and whether that is what the test expects.

An answer is told in the words of the command line. To its verdicts one is added here: a `not found` of which a `sometimes`
was never met is `vacuous` as well, since nothing was tested.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, get_args

import msgspec

from actors.cli import proofs, wording
from actors.explore.minimising.order import FEWEST_SWITCHES, SHORTEST
from actors.explore.results import Exploration, Recorded
from actors.explore.sampling import Wanted, explore
from actors.explore.showing import shown
from actors.explore.verification import Demand, Verification, verify
from actors.observe.report import report
from actors.observe.text import WIDTH, wrap
from actors.runtime.errors import VmraceError
from actors.runtime.scenario import Scenario
from protocol.records import Verdict

Command = Callable[[str], str]
"""From a token to the command that replays it."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Answer(msgspec.Struct, frozen=True):
    """A verdict, the tokens of what is violated, all of it in words, and what was found, for the test itself."""

    verdict: Verdict
    tokens: tuple[str, ...]
    told: Callable[[Command], str]
    found: Exploration | Verification | Recorded


class Question(Protocol):
    """Asks about a scenario; raises VmraceError."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that are looked at; all if there are none."""

    def ask(self, scenario: Scenario, parameters: Mapping[str, Any]) -> Answer:
        """Answer for these parameters."""


class Explores(msgspec.Struct, frozen=True):
    """Many orders, as `vmrace explore`."""

    wanted: Wanted

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that are looked at."""
        return self.wanted.conditions

    def ask(self, scenario: Scenario, parameters: Mapping[str, Any]) -> Answer:
        """Sample executions."""
        found = explore(scenario, parameters, self.wanted)
        met = found.verdict != "not found" or all(found.sometimes.values())
        findings = [shown(scenario, parameters, one.recorded, FEWEST_SWITCHES) for one in found.findings]
        return Answer(
            found.verdict if met else "vacuous",
            tuple(one.recorded.token for one in findings),
            lambda command: wording.told(found, findings, command, full=False),
            found,
        )


class Verifies(msgspec.Struct, frozen=True):
    """Every order, as `vmrace verify`."""

    demand: Demand

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that are looked at."""
        return self.demand.conditions

    def ask(self, scenario: Scenario, parameters: Mapping[str, Any]) -> Answer:
        """Search all orders."""
        found = verify(scenario, parameters, self.demand)
        recorded = None
        if found.recorded is not None:
            recorded = shown(scenario, parameters, found.recorded, SHORTEST).recorded
        return Answer(
            found.verdict,
            (recorded.token,) if recorded is not None else (),
            lambda command: proofs.told(found, recorded, "", command, full=False),
            found,
        )


def of_replay(scenario: Scenario, recorded: Recorded, said: str, tokens: tuple[str, ...]) -> Answer:
    """Return the answer that one replayed execution is; `said` is why it was replayed, `tokens` are those to keep."""
    steps = len(recorded.record.steps)
    summary = f"{scenario.name}: {recorded.verdict} after {steps} step{'' if steps == 1 else 's'}; {said}"

    def told(command: Command) -> str:
        drawn = report(recorded.record, recorded.token, command)
        return "\n\n".join(("\n".join(wrap(summary, WIDTH)), drawn))

    return Answer(recorded.verdict, tokens, told, recorded)


def expected(expect: Verdict | Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts that a test accepts; raises VmraceError for what is none."""
    wanted = (expect,) if isinstance(expect, str) else tuple(expect)
    for one in wanted:
        if one not in VERDICTS:
            raise VmraceError(f"expect={one!r} is no verdict; there are {', '.join(VERDICTS)}")
    if not wanted:
        raise VmraceError(f"expect= accepts nothing; give one or more of {', '.join(VERDICTS)}")
    return wanted


def failure(answer: Answer, expect: tuple[Verdict, ...], command: Command) -> str | None:
    """Tell an answer that is not what is expected, and why it is not; None if it is."""
    if answer.verdict in expect:
        return None
    told = answer.told(command)
    if answer.verdict == "violated":
        return told
    why = " (a `sometimes` was never met)" if answer.verdict == "vacuous" else ""
    accepting = ", ".join(repr(one) for one in (*expect, answer.verdict))
    reason = (
        f"This test expects {' or '.join(expect)}, and the answer is {answer.verdict}{why}; "
        f"expect=({accepting}) would accept it."
    )
    return "\n\n".join((told, "\n".join(wrap(reason, WIDTH))))
