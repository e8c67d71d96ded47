"""Building a world under the watchdog: a builder that never ends becomes an error with its line."""

from typing import Any

from actors.runtime.errors import ModelError
from actors.runtime.place import line_of_error
from actors.runtime.scenario import Scenario
from actors.runtime.watchdog import WATCHDOG, Stuck
from actors.runtime.world import World


class Watched(Scenario):
    """A scenario whose builder the watchdog may end."""

    def __init__(self, scenario: Scenario) -> None:
        vars(self).update(vars(scenario))

    def __call__(self, **parameters: Any) -> World:
        """Build the world; raises ModelError, with the line, also if that does not end."""
        stretch = WATCHDOG.stretch
        stretch.enter()
        try:
            return super().__call__(**parameters)
        except Stuck as stuck:
            raise ModelError(
                f"{line_of_error(stuck)}: scenario {self.name} builds no world: it did not end, and was stopped "
                "by the watchdog"
            ) from None
        finally:
            stretch.leave()
