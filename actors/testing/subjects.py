"""What a test asks about, as a scenario: one that is there, or a world with the function that builds it.

A test function that builds a world is a scenario of the same name, and its arguments, which pytest has filled in, are
parameters as far as they can be written down.
"""

import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from actors.runtime.errors import VmraceError
from actors.runtime.loading import load
from actors.runtime.parameters import as_text
from actors.runtime.scenario import Scenario
from actors.runtime.world import World

PACKAGE = "scenarios"
"""Where scenarios are looked up by name."""

_WRITTEN = (bool, int, str, enum.Enum)


class Given(Scenario):
    """A builder of a world whose arguments are there already; those that can be written down are its parameters."""

    def __init__(
        self, build: Callable[[], Any], values: Mapping[str, Any], *, like: Callable[..., Any] | None = None
    ) -> None:
        written = {name: value for name, value in values.items() if isinstance(value, _WRITTEN)}

        def world(**_: Any) -> Any:
            return build()

        name = getattr(like, "__name__", "")
        if name.isidentifier():
            world.__name__ = name
        world.__module__ = getattr(like, "__module__", __name__)
        world.__doc__ = getattr(like, "__doc__", None)
        world.__annotations__ = {name: type(value) for name, value in written.items()}
        world.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect looks for
            [
                inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=value)
                for one, value in written.items()
            ]
        )
        super().__init__(world, (), "")
        self._values = written

    def changed(self, parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """Return all parameters as text: none is a default that a token could leave out."""
        return tuple(self.as_text(parameters).items())

    def convert(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Return the values that there are; raises VmraceError if others are asked for."""
        if given and dict(given) != self.as_text(self._values):
            asked = ", ".join(f"{name}={text}" for name, text in given.items())
            raise VmraceError(f"{self.name} is not run with {asked} here")
        return dict(self._values)


def found(scenario: object) -> Scenario:
    """Return a scenario, looked up if only its name is given; raises VmraceError."""
    if isinstance(scenario, str):
        return load(scenario, PACKAGE)
    if not isinstance(scenario, Scenario):
        raise VmraceError(f"give a scenario or the name of one, not {type(scenario).__name__}")
    return scenario


def typed(scenario: Scenario, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with defaults filled in, checked as those of a command line are; raises VmraceError."""
    return scenario.convert({name: as_text(value) for name, value in parameters.items()})


def subject(about: object, parameters: Mapping[str, Any]) -> tuple[Scenario, dict[str, Any]]:
    """Return the scenario, with its parameters, of whatever there are to be schedules of.

    `about` is a scenario or its name, a World, or a function that builds one from the parameters. Raises VmraceError.
    """
    if isinstance(about, World):
        if parameters:
            raise VmraceError(f"a World has no parameters, such as {min(parameters)}; give what builds it")
        world = about
        return Given(lambda: world, {}), {}
    if inspect.isfunction(about):
        build = about
        given = Given(lambda: build(**parameters), parameters, like=build)
        return given, given.convert({})
    scenario = found(about)
    return scenario, typed(scenario, parameters)
