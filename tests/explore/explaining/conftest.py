"""What tests of explaining share: worlds in which it is known what matters, and a scenario of any world."""

from actors.explore.explaining.trials import Trials
from actors.explore.explaining.windows import narrowest
from actors.explore.minimising.playing import Taken
from actors.runtime import World, scenario
from tests.explore.minimising.conftest import opened

BUILT = []


@scenario
def built() -> World:
    """What is in it?"""
    return BUILT[-1]()


def scenario_of(build):
    """Return a scenario that builds the world that `build` does; there is one at a time."""
    BUILT[:] = [build]
    return built


def text(taken: Taken) -> str:
    """Return a step as program and message."""
    request = taken.state.options[taken.which][1].pending
    return f"{taken.name}: {request.to.describe(request.message)}"


def ends(world, log=None):
    """Return the two ends of a world's narrowest window, as texts: the step and what it was moved across."""
    with opened(world, log) as given:
        found = narrowest(given, Trials(given))
        if found is None:
            return None
        return tuple(
            None if one is None else (text(one.step), text(given.played.steps[one.across]))
            for one in (found.opens, found.closes)
        )
