"""Schedules as a Hypothesis strategy: `@given(schedules(world))`."""

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from actors.runtime.errors import VmraceError
from actors.runtime.scenario import Scenario
from actors.runtime.world import World
from actors.testing.player import Player, Unplayable
from actors.testing.run import Run
from actors.testing.subjects import subject

LIMIT = 1_000
"""Steps after which an execution ends undecided, unless another limit is given."""


def schedules(
    of: World | Scenario | str | Callable[..., World],
    /,
    *,
    conditions: str | Iterable[str] = (),
    limit: int = LIMIT,
    **parameters: Any,
) -> SearchStrategy[Run]:
    """Draw executions of a world, a scenario, or a function that builds a world from the parameters.

    What is drawn is the order, and which outcome the hardware takes; it shrinks to few context switches. `conditions` limits
    what is checked; after `limit` steps an execution ends undecided.

    A test that draws raises Unplayable for parameters or conditions that there are not, and where the world breaks a rule,
    by a program that is not deterministic for example.
    """
    wanted = (conditions,) if isinstance(conditions, str) else tuple(conditions)

    def opened() -> SearchStrategy[Run]:
        try:
            scenario, typed = subject(of, parameters)
            return _runs(Player(scenario, typed, wanted, limit))
        except VmraceError as error:
            return st.just(str(error)).map(_none)

    # Not before somebody draws, and outside of the draw itself, which Hypothesis measures.
    return st.deferred(opened)


@st.composite
def _runs(draw: DrawFn, player: Player) -> Run:
    __tracebackhide__ = True
    return player.play(draw)


def _none(why: str) -> Run:
    __tracebackhide__ = True
    raise Unplayable(why)
