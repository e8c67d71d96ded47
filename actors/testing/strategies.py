"""Schedules as a Hypothesis strategy: `@given(schedules(world))`."""

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from actors.runtime.scenario import Scenario
from actors.runtime.world import World
from actors.testing.player import Player
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

    A test that draws raises VmraceError for parameters or conditions that there are not, or if the world breaks a rule.
    """
    wanted = (conditions,) if isinstance(conditions, str) else tuple(conditions)

    def opened() -> SearchStrategy[Run]:
        scenario, typed = subject(of, parameters)
        return _runs(Player(scenario, typed, wanted, limit))

    # Not before somebody draws, and outside of the draw itself, which Hypothesis measures.
    return st.deferred(opened)


@st.composite
def _runs(draw: DrawFn, player: Player) -> Run:
    return player.play(draw)
