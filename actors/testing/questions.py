"""`@explores` and `@verifies`: a question about orders as a test.

Either decorates a function that builds and returns a world, which is then what is asked about:

    @verifies()
    def test_no_overdraft():
        world = World()
        ...
        return world

or it names a scenario, with parameters, and the function runs afterwards, with what was found as its argument `found` if it
has one. Arguments that pytest fills in (parametrize, fixtures) are arguments of the builder, or parameters of the scenario
where they have the name of one.

What is not as expected fails the test with all that the command line would print, and the test's own traceback nowhere.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, Literal, NoReturn, overload

import msgspec
import pytest

from actors.explore.sampling import Wanted
from actors.explore.strategies import window as read_window
from actors.explore.verification import Demand
from actors.runtime.errors import VmraceError
from actors.runtime.scenario import Scenario
from actors.testing.answers import Answer, Explores, Question, Verifies, expected, failure
from actors.testing.context import running
from actors.testing.failed import again, given
from actors.testing.store import VmraceWarning
from actors.testing.subjects import Given, found, typed
from protocol.records import Verdict

Test = Callable[..., Any]
Expect = Verdict | Iterable[Verdict]
Strings = str | Iterable[str]

_FOUND = "found"


class Asked(msgspec.Struct, frozen=True):
    """What a decorator was given: the question is made when the test runs, so that what is wrong with it fails that test."""

    question: Callable[[], Question]
    scenario: object
    parameters: Mapping[str, Any]
    expect: Expect


@overload
def explores(test: Test, /) -> Test: ...
@overload
def explores(
    scenario: Scenario | str | None = None,
    /,
    *,
    expect: Expect = "not found",
    executions: int = 1000,
    seed: int = 0,
    strategy: str = "portfolio",
    conditions: Strings = (),
    windows: Strings = (),
    driver: Literal["tables", "trio"] = "tables",
    **parameters: Any,
) -> Callable[[Test], Test]: ...


def explores(
    scenario: Any = None,
    /,
    *,
    expect: Expect = "not found",
    executions: int = 1000,
    seed: int = 0,
    strategy: str = "portfolio",
    conditions: Strings = (),
    windows: Strings = (),
    driver: Literal["tables", "trio"] = "tables",
    **parameters: Any,
) -> Any:
    """Make a test that samples orders, as `vmrace explore` does; `windows` are PROGRAM.LABEL.

    `expect` is one verdict or several: `not found`, `violated`, `inconclusive`, or `vacuous` for a `not found` of which a
    `sometimes` was never met.
    """

    def question() -> Question:
        return Explores(
            Wanted(
                strategy=strategy,
                seed=seed,
                executions=executions,
                conditions=_strings(conditions),
                driver=driver,
                windows=tuple(map(read_window, _strings(windows))),
            )
        )

    return _decorate(scenario, question, parameters, expect)


@overload
def verifies(test: Test, /) -> Test: ...
@overload
def verifies(
    scenario: Scenario | str | None = None,
    /,
    *,
    expect: Expect = "proved",
    conditions: Strings = (),
    max_states: int | None = None,
    max_memory: float | None = None,
    max_seconds: float | None = None,
    confirm: bool = False,
    **parameters: Any,
) -> Callable[[Test], Test]: ...


def verifies(
    scenario: Any = None,
    /,
    *,
    expect: Expect = "proved",
    conditions: Strings = (),
    max_states: int | None = None,
    max_memory: float | None = None,
    max_seconds: float | None = None,
    confirm: bool = False,
    **parameters: Any,
) -> Any:
    """Make a test that goes through every order, as `vmrace verify` does; `max_memory` is in GiB.

    `expect` is one verdict or several: `proved`, `violated`, `vacuous`, `inconclusive`.
    """

    def question() -> Question:
        return Verifies(
            Demand(
                conditions=_strings(conditions),
                states=max_states,
                memory=None if max_memory is None else int(max_memory * 2**30),
                seconds=max_seconds,
                confirm=confirm,
            )
        )

    return _decorate(scenario, question, parameters, expect)


def _strings(given: Strings) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _decorate(
    scenario: object, question: Callable[[], Question], parameters: Mapping[str, Any], expect: Expect
) -> Any:
    if isinstance(scenario, FunctionType):  # no parentheses
        return _test(scenario, Asked(question, None, parameters, expect))
    return functools.partial(_test, asked=Asked(question, scenario, parameters, expect))


def _test(function: Test, asked: Asked) -> Test:
    """Return the test: its signature is the function's, which is what pytest fills in, without what is found."""
    signature = inspect.signature(function)
    finds = asked.scenario is not None and _FOUND in signature.parameters

    @functools.wraps(function)
    def test(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        answer, wrong = None, None
        try:
            answer = _answer(function, asked, signature, args, kwargs)
        except (VmraceError, VmraceWarning) as error:
            wrong = str(error)
        if wrong is not None:  # out here, where it has no context to be told with it
            _fail(wrong)
        if asked.scenario is not None and answer is not None:
            function(*args, **kwargs, **({_FOUND: answer.found} if finds else {}))

    left = [one for name, one in signature.parameters.items() if not (finds and name == _FOUND)]
    test.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]  # what inspect looks for
    return test


def _answer(
    function: Test, asked: Asked, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Answer | None:
    """Ask, and return an answer that is as expected; None if a token was replayed instead. Anything else fails the test."""
    __tracebackhide__ = True
    _check(function, asked)
    expect, question = expected(asked.expect), asked.question()
    filled = signature.bind_partial(*args, **kwargs).arguments
    scenario, parameters = _subject(function, asked, filled, lambda: function(*args, **kwargs))
    context = running()
    if context.token is not None:
        answer = given(scenario, parameters, context.token)
        if (answer.verdict == "violated") != ("violated" in expect):
            _fail(answer.told(context.command))
        context.note(f"replayed the token that was given, as expected: {answer.verdict}")
        return None
    keeps = "violated" not in expect
    failed = again(context, scenario, parameters, question.conditions) if keeps else None
    answer = failed or question.ask(scenario, parameters)
    if keeps:
        context.keep(answer.tokens)
    wrong = failure(answer, expect, context.command)
    if wrong is not None:
        _fail(wrong)
    return answer


def _fail(told: str) -> NoReturn:
    """Fail the test with all that is told, of which the first paragraph is for pytest's summary (see `plugin`)."""
    __tracebackhide__ = True
    failed = pytest.fail.Exception(told, pytrace=False)
    failed.vmrace_summary = " ".join(told.partition("\n\n")[0].split())  # type: ignore[attr-defined]  # ours
    raise failed


def _subject(
    function: Test, asked: Asked, filled: Mapping[str, Any], build: Callable[[], Any]
) -> tuple[Scenario, dict[str, Any]]:
    if asked.scenario is None:
        made = Given(build, filled, like=function)
        return made, made.convert({})
    scenario = found(asked.scenario)
    known = {parameter.name for parameter in scenario.parameters}
    parameters = {**asked.parameters, **{name: value for name, value in filled.items() if name in known}}
    return scenario, typed(scenario, parameters)


def _check(function: Test, asked: Asked) -> None:
    """Refuse what could not be a question; raises VmraceError."""
    name = function.__name__
    if inspect.iscoroutinefunction(function):
        raise VmraceError(
            f"{name} is `async def`: programs are, but what builds a world, or runs after it, is not"
        )
    if hasattr(function, "hypothesis"):
        raise VmraceError(f"{name} is decorated with @given below; there, take @given(schedules(...)) alone")
    if asked.scenario is None and asked.parameters:
        raise VmraceError(
            f"{min(asked.parameters)}= is no option of this decorator; it would be a parameter, but {name} builds "
            "the world itself: no scenario is named"
        )
