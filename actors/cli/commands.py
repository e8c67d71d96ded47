"""What the commands about one scenario do: load it, run it in some order, and put the answer into words.

Each gives back an Answer and prints nothing itself.
"""

import time
from collections.abc import Sequence

import msgspec

from actors.cli.answers import INTERNAL, INTERRUPTED, Answer, Outcome, status_of
from actors.cli.explaining import minimised_words, with_explanation
from actors.cli.given import PACKAGE, pairs, plain_values
from actors.cli.interrupt import stop_on_interrupt
from actors.cli.progress import progress
from actors.cli.wording import command, message, told
from actors.explore.minimising.order import FEWEST_SWITCHES
from actors.explore.recording import run_once
from actors.explore.replay import replay as replay_token
from actors.explore.results import Exploration, Recorded
from actors.explore.sampling import Wanted
from actors.explore.sampling import explore as sample
from actors.explore.showing import shown
from actors.explore.stopping import Stop
from actors.explore.strategies import STRATEGIES
from actors.explore.token import decode, match_scenario
from actors.observe.narration import narrate
from actors.observe.report import below, report
from actors.observe.text import WIDTH, wrap
from actors.runtime.errors import VmraceError
from actors.runtime.loading import load, named
from actors.runtime.scenario import Scenario


def run(spec: str, given: Sequence[str], seed: int) -> Answer:
    """Run one execution and narrate it."""
    scenario = load(spec, PACKAGE)
    parameters = scenario.convert(pairs(given))
    begun = time.perf_counter()
    with stop_on_interrupt() as stop:
        recorded = run_once(scenario, parameters, seed=seed, stop=stop)
    outcome = Outcome(scenario=scenario.name, parameters=plain_values(parameters), seconds=_since(begun))
    if recorded is None:
        return _stopped(outcome, f"{scenario.name}: stopped by Ctrl-C before the execution ended")
    lines = [
        narrate(recorded.record),
        "",
        *below(recorded.record, recorded.token, lambda token: command(token, scenario, spec)),
    ]
    return _of_one(outcome, recorded, "\n".join(lines))


def replay(text: str, spec: str | None, *, full: bool, minimise: bool) -> Answer:
    """Run a token's execution again, and draw it or its minimal form."""
    body = decode(text.strip())
    scenario = load(spec, PACKAGE) if spec is not None else _built_in(body.scenario, text)
    match_scenario(body, scenario.name)
    begun = time.perf_counter()
    parameters = scenario.convert(dict(body.parameters))
    outcome = Outcome(scenario=scenario.name, parameters=plain_values(parameters))
    try:
        with stop_on_interrupt() as stop:
            again = replay_token(scenario, body, stop)
            order = FEWEST_SWITCHES if minimise else None
            recorded, minimised = shown(scenario, parameters, again, order, stop=stop)
    except Stop:
        return _stopped(outcome, f"{scenario.name}: stopped by Ctrl-C before the execution ended")
    outcome = msgspec.structs.replace(outcome, seconds=_since(begun))
    words = [f"{scenario.name}: replayed, {recorded.verdict} after {body.steps} steps"]
    words.append(minimised_words(minimised, dict(recorded.record.budgets)))
    summary = "\n".join(wrap("; ".join(word for word in words if word), WIDTH))
    drawn = report(recorded.record, recorded.token, lambda token: command(token, scenario, spec), full=full)
    return _of_one(outcome, recorded, f"{summary}\n\n{drawn}")


def explore(spec: str, given: Sequence[str], wanted: Wanted, *, full: bool, minimise: bool) -> Answer:
    """Sample executions and report what they violate, or what they covered."""
    if wanted.strategy not in STRATEGIES:  # before anything is built
        raise VmraceError(f"no strategy is called {wanted.strategy!r}; there are {', '.join(STRATEGIES)}")
    scenario = load(spec, PACKAGE)
    parameters = scenario.convert(pairs(given))
    with stop_on_interrupt() as stop, progress(scenario.name, wanted.executions) as done:
        found = sample(scenario, parameters, wanted, stop=stop, progress=done)
        order = FEWEST_SWITCHES if minimise else None
        findings = [
            shown(scenario, parameters, finding.recorded, order, stop=stop) for finding in found.findings
        ]
    first = findings[0].recorded if findings else None
    outcome = Outcome(
        scenario=scenario.name,
        parameters=plain_values(parameters),
        verdict=found.verdict,
        violated=found.violated,
        kind=found.kind,
        sometimes=found.sometimes,
        executions=found.executions,
        steps=len(first.record.steps) if first is not None else None,
        seconds=round(found.seconds, 3),
        token=first.token if first is not None else None,
        message=message(found),
    )
    text = told(found, findings, lambda token: command(token, scenario, spec), full=full)
    return Answer(
        text, with_explanation(outcome, first.record if first is not None else None), _status(found)
    )


def _status(found: Exploration) -> int:
    if found.stopped:
        return INTERRUPTED
    return INTERNAL if found.unreproduced else status_of(found.verdict, found.sometimes)


def _of_one(outcome: Outcome, recorded: Recorded, text: str) -> Answer:
    violation = recorded.record.violation
    outcome = msgspec.structs.replace(
        outcome,
        verdict=recorded.verdict,
        violated=recorded.names,
        kind=violation.kind if violation is not None else None,
        sometimes=recorded.sometimes,
        executions=1,
        steps=len(recorded.record.steps),
        token=recorded.token or None,
        message=violation.text if violation is not None else recorded.record.ending,
    )
    status = status_of(recorded.verdict, recorded.sometimes)
    return Answer(text, with_explanation(outcome, recorded.record), status)


def _stopped(outcome: Outcome, message: str) -> Answer:
    return Answer(
        message, msgspec.structs.replace(outcome, verdict="inconclusive", message=message), INTERRUPTED
    )


def _built_in(name: str, token: str) -> Scenario:
    found = named(name, PACKAGE)
    if found is None:
        raise VmraceError(
            f"this token is of {name}, which is no scenario of vmrace; if it is in a file of yours, name the "
            f"file as well: vmrace replay {token[:12]}... ./FILE.py"
        )
    return found


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 3)
