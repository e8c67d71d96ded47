"""`vmrace list`: the scenarios, what they ask, what can be set, and what is known of them."""

from collections.abc import Iterator
from typing import Any

from actors.cli.answers import Answer, plain
from actors.observe.text import WIDTH, wrap
from actors.runtime.loading import built_in
from actors.runtime.parameters import as_text
from actors.runtime.scenario import Case, Scenario


def listing(package: str) -> Answer:
    """List the scenarios of a package."""
    found = built_in(package)
    text = "\n\n".join("\n".join(_lines(scenario)) for scenario in found.values())
    return Answer(text, {"results": [_object(scenario) for scenario in found.values()]})


def _lines(scenario: Scenario) -> Iterator[str]:
    yield scenario.name
    yield from _indented(scenario.question)
    for parameter in scenario.parameters:
        yield from _indented(f"-p {parameter.name}={as_text(parameter.default)}  ({parameter.allowed})")
    for case in scenario.cases:
        yield from _indented(_case(case))


def _indented(text: str) -> list[str]:
    return ["  " + line for line in wrap(text, WIDTH - 2, 4)]


def _case(case: Case) -> str:
    given = " ".join(f"{name}={as_text(value)}" for name, value in case.parameters.items())
    pinned = [", ".join(case.violated)] if case.violated else []
    pinned += [f"{case.states} states"] if case.states is not None else []
    pinned += [f"{case.steps} steps"] if case.steps is not None else []
    return f"case {given or 'as it is'}: {case.expect}" + (f" ({'; '.join(pinned)})" if pinned else "")


def _object(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "question": scenario.question,
        "parameters": [
            {"name": one.name, "default": plain(one.default), "allowed": one.allowed}
            for one in scenario.parameters
        ],
        "cases": [_case_object(case) for case in scenario.cases],
    }


def _case_object(case: Case) -> dict[str, Any]:
    return {
        "parameters": {name: plain(value) for name, value in case.parameters.items()},
        "expect": case.expect,
        "violated": case.violated,
        "states": case.states,
        "steps": case.steps,
    }
