"""What the hardware or the environment chose, and what it should have chosen for the execution to pass."""

from typing import NamedTuple

from actors.explore.explaining.trials import Trials
from actors.explore.minimising.minimal import Counterexample
from actors.explore.minimising.playing import Played


class Choice(NamedTuple):
    """A step with several outcomes, as its place in the execution: the label of another one, and the order that passes."""

    place: int
    label: str
    passes: Played


def last_choice(given: Counterexample, trials: Trials) -> Choice | None:
    """Return the last step of which another outcome, all else being equal, violates nothing; None if there is none."""
    log = given.played.log
    for place, one in reversed(list(enumerate(given.played.steps))):
        assert one.state.options is not None
        moves = one.state.options[one.which][2]
        for outcome, move in enumerate(moves):
            if outcome == one.outcome:
                continue
            played = trials.passes([*log[:place], (one.name, outcome), *log[place + 1 :]])
            if played is not None:
                return Choice(place, move.label, played)
    return None
