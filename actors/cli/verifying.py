"""`vmrace verify`: every order of one scenario, or of every case of every scenario."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from actors.cli.answers import FINE, INTERNAL, INTERRUPTED, VIOLATED, Answer, Outcome, status_of
from actors.cli.explaining import minimised_words, with_explanation
from actors.cli.given import PACKAGE, pairs, plain_values
from actors.cli.interrupt import stop_on_interrupt
from actors.cli.progress import searching
from actors.cli.proofs import message, summary, told
from actors.cli.wording import command
from actors.explore.minimising.order import FEWEST_SWITCHES, SHORTEST
from actors.explore.results import Recorded
from actors.explore.verification import Demand, Searched, Verification
from actors.explore.verification import verify as search
from actors.observe.text import WIDTH, wrap
from actors.runtime.errors import VmraceError
from actors.runtime.loading import built_in, load
from actors.runtime.scenario import Case, Scenario

if TYPE_CHECKING:
    from actors.explore.minimising.minimal import Minimised


def verify(
    spec: str, given: Sequence[str], demand: Demand, *, full: bool, expect: bool, minimise: bool
) -> Answer:
    """Search every order of one scenario.

    Of the shortest counterexamples the one with the fewest context switches is shown, then the one with the fewest
    events; to `minimise` puts switches before steps.
    """
    scenario = load(spec, PACKAGE)
    parameters = scenario.convert(pairs(given))
    case = _case(scenario, parameters) if expect else None
    found = _searched(scenario, parameters, demand)
    recorded, minimised = _shown(scenario, parameters, found, minimise=minimise)
    words = minimised_words(minimised, dict(recorded.record.budgets)) if recorded and minimise else ""
    text = told(found, recorded, words, lambda token: command(token, scenario, spec), full=full)
    status = _status(found)
    if case is not None and status not in {INTERNAL, INTERRUPTED}:
        wrong = unlike(case, found)
        text += f"\n\n{_expected(wrong)}"
        status = VIOLATED if wrong else FINE
    return Answer(text, _object(scenario, parameters, found, recorded), status)


def _shown(
    scenario: Scenario, parameters: dict[str, Any], found: Verification, *, minimise: bool
) -> "tuple[Recorded | None, Minimised | None]":
    """Return what is shown of a counterexample."""
    if found.recorded is None:
        return None, None
    from actors.explore.showing import shown  # noqa: PLC0415  # imports Trio, which a proof does without

    order = FEWEST_SWITCHES if minimise else SHORTEST
    with stop_on_interrupt() as stop:
        return shown(scenario, parameters, found.recorded, order, stop=stop)


def verify_all(demand: Demand, *, expect: bool) -> Answer:
    """Search every order of every case; without `expect` the worst status counts."""
    lines, objects, statuses = [], [], [FINE]
    for scenario, case in _cases():
        parameters = scenario.convert(
            {one: scenario.as_text(case.parameters)[one] for one in case.parameters}
        )
        found = _searched(scenario, parameters, demand)
        status = _status(found)
        wrong = unlike(case, found)
        objects.append(_object(scenario, parameters, found, found.recorded))
        lines += wrap(f"{_named(scenario, case)}: {summary(found).partition(': ')[2]}", WIDTH, 4)
        if wrong:
            lines += wrap(f"    not as declared: {wrong}", WIDTH, 8)
        if expect and status not in {INTERNAL, INTERRUPTED}:
            status = VIOLATED if wrong else FINE
        statuses.append(status)
        if status == INTERRUPTED:
            break
    return Answer("\n".join(lines), {"results": objects}, max(statuses))


def _cases() -> Iterator[tuple[Scenario, Case]]:
    for scenario in built_in(PACKAGE).values():
        for case in scenario.cases:
            yield scenario, case


def _named(scenario: Scenario, case: Case) -> str:
    given = scenario.as_text(case.parameters)
    return " ".join((scenario.name, *(f"-p {name}={given[name]}" for name in case.parameters)))


def _case(scenario: Scenario, parameters: dict[str, Any]) -> Case:
    """Return the case of these parameters; raises VmraceError if none declares them."""
    asked = scenario.as_text(parameters)
    for case in scenario.cases:
        if scenario.as_text(case.parameters) == asked:
            return case
    raise VmraceError(
        f"--expect: {scenario.name} has no case with these parameters; `vmrace list` shows them"
    )


def unlike(case: Case, found: Verification) -> str:
    """Say in what a result is not what its case declares; nothing if it is."""
    wrong = []
    if found.verdict != case.expect:
        wrong.append(f"{found.verdict}, not {case.expect}")
    names = found.recorded.names if found.recorded is not None else ()
    if case.violated is not None and names != case.violated:
        wrong.append(f"violated {', '.join(names) or 'nothing'}, not {', '.join(case.violated)}")
    if case.states is not None and not found.partial and found.states != case.states:
        wrong.append(f"{found.states} states, not {case.states}")
    steps = len(found.recorded.record.steps) if found.recorded is not None else None
    if case.steps is not None and steps != case.steps:
        wrong.append(f"{steps} steps, not {case.steps}")
    return "; ".join(wrong)


def _expected(wrong: str) -> str:
    return f"not as its case declares: {wrong}" if wrong else "as its case declares"


def _searched(scenario: Scenario, parameters: dict[str, Any], demand: Demand) -> Verification:
    with stop_on_interrupt() as stop, searching(scenario.name) as show:

        def look(searched: Searched) -> bool:
            if show is not None:
                show(searched)
            return not stop()

        return search(scenario, parameters, demand, look)


def _status(found: Verification) -> int:
    if found.limit == "stopped":
        return INTERRUPTED
    return INTERNAL if found.unreproduced is not None else status_of(found.verdict, found.sometimes)


def _object(
    scenario: Scenario, parameters: dict[str, Any], found: Verification, recorded: Recorded | None
) -> Outcome:
    """Return the object of a search; its `steps` are those of the shortest counterexample, `recorded` what is shown."""
    found_steps = len(found.recorded.record.steps) if found.recorded is not None else None
    outcome = Outcome(
        scenario=scenario.name,
        parameters=plain_values(parameters),
        verdict=found.verdict,
        violated=found.broken if recorded is None or found.broken else recorded.names,
        kind=found.kind,
        sometimes=found.sometimes,
        states=found.states,
        transitions=found.transitions,
        executions=found.classes,
        blocked=found.blocked,
        steps=found_steps,
        seconds=round(found.seconds, 3),
        token=recorded.token if recorded is not None else None,
        message=message(found),
    )
    return with_explanation(outcome, recorded.record if recorded is not None else None)
