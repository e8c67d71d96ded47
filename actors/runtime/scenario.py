"""A scenario: a function that builds a world, with a name, typed parameters, a question, and cases.

    @scenario(cases=[case(n=2, expect="violated"), case(n=1, expect="proved")])
    def lost_update(n: int = 2) -> World:
        \"\"\"Can two increments of one counter lose one?\"\"\"

The function's name is the scenario's, its docstring's first line the question. A case is a set of parameters
with what is expected of it: the verdict, the violated conditions, the number of states, the length of the
shortest counterexample.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, overload

import msgspec

from actors.runtime.errors import ModelError, VmraceError
from actors.runtime.parameters import Parameter, as_text, convert, parameters_of
from actors.runtime.place import line_of_error
from actors.runtime.watchdog import WATCHDOG, Stuck
from actors.runtime.world import World
from protocol.records import Verdict


class Case(msgspec.Struct, frozen=True):
    """One set of parameters and what is expected; None where nothing is pinned."""

    parameters: dict[str, Any]
    expect: Verdict
    violated: tuple[str, ...] | None = None
    states: int | None = None
    steps: int | None = None


def case(
    *,
    expect: Verdict,
    violated: tuple[str, ...] | None = None,
    states: int | None = None,
    steps: int | None = None,
    **parameters: Any,
) -> Case:
    """Declare a case: parameters by name, and what is expected of them.

    `violated` names the conditions that fail, `states` is the number of distinct states, `steps` the length
    of the shortest counterexample.
    """
    return Case(parameters, expect, violated, states, steps)


class Scenario:
    """A named, parametrised builder of worlds; made by `scenario`."""

    def __init__(self, build: Callable[..., World], cases: Iterable[Case], fix: str) -> None:
        self.name = build.__name__
        if not self.name.isidentifier():
            raise ModelError(f"a scenario is called by its function's name, and {self.name!r} cannot be one")
        self.module = build.__module__
        self.parameters: tuple[Parameter, ...] = parameters_of(build, self.name)
        self.cases = tuple(cases)
        self.fix = fix
        self.story = inspect.cleandoc(build.__doc__ or "")
        self._build = build
        for declared in self.cases:
            unknown = set(declared.parameters) - {parameter.name for parameter in self.parameters}
            if unknown:
                raise ModelError(
                    f"scenario {self.name}: a case gives {min(unknown)!r}, which is not a parameter"
                )

    @property
    def question(self) -> str:
        """The first line of the docstring."""
        return self.story.partition("\n")[0]

    def convert(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Convert parameters from text; raises VmraceError."""
        return convert(self.name, self.parameters, given)

    def as_text(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """Write parameters as text, in the order of the signature."""
        return {p.name: as_text(parameters.get(p.name, p.default)) for p in self.parameters}

    def changed(self, parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """Return the parameters that differ from the defaults, as text."""
        defaults = self.as_text({})
        return tuple(
            (name, text) for name, text in self.as_text(parameters).items() if text != defaults[name]
        )

    def __call__(self, **parameters: Any) -> World:
        """Build the world for these parameters, defaults filled in.

        Raises ModelError, with the line, if that fails, or never ends and is stopped by the watchdog.
        """
        stretch = WATCHDOG.stretch
        outer = stretch.inside  # one scenario may build on another
        stretch.enter()
        try:
            world = self._build(**parameters)
        except VmraceError:
            raise
        except Stuck as stuck:
            raise ModelError(
                f"{line_of_error(stuck)}: scenario {self.name} builds no world: it did not end, and was stopped "
                "by the watchdog"
            ) from None
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {error}"
            raise ModelError(
                f"{line_of_error(error)}: scenario {self.name} builds no world: {what}"
            ) from error
        finally:
            stretch.inside = outer
        if not isinstance(world, World):
            raise ModelError(f"scenario {self.name} returned {type(world).__name__}, not a World")
        try:
            world.check()
        except ModelError as error:
            raise ModelError(f"scenario {self.name}: {error}") from None
        return world


@overload
def scenario(build: Callable[..., World], /) -> Scenario: ...


@overload
def scenario(*, cases: Iterable[Case] = (), fix: str = "") -> Callable[[Callable[..., World]], Scenario]: ...


def scenario(
    build: Callable[..., World] | None = None, /, *, cases: Iterable[Case] = (), fix: str = ""
) -> Scenario | Callable[[Callable[..., World]], Scenario]:
    """Make a function that builds a World a scenario; `fix` names the commits that closed the bug, if any."""
    if build is not None:
        if not isinstance(build, FunctionType):
            raise ModelError(
                f"@scenario takes a function, or nothing but cases= and fix= in parentheses, not {build!r}"
            )
        return Scenario(build, (), "")

    def make(build: Callable[..., World]) -> Scenario:
        return Scenario(build, cases, fix)

    return make
