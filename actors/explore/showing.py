"""From a finding to what a person is shown: its minimal form, if that is wanted, explained."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.explore.explaining.explain import explained
from actors.explore.minimising.minimal import Minimised, minimise
from actors.explore.minimising.order import Order
from actors.explore.results import Recorded
from actors.explore.stopping import StopRequest, never
from actors.runtime.scenario import Scenario


class Shown(NamedTuple):
    """What is shown of a finding, and what minimising came to; None if nobody wanted it."""

    recorded: Recorded
    minimised: Minimised | None = None


def shown(
    scenario: Scenario,
    parameters: Mapping[str, Any],
    recorded: Recorded,
    order: Order | None,
    *,
    stop: StopRequest = never,
) -> Shown:
    """Minimise a recorded violation in that order, if one is given, and explain it; what violates nothing is left.

    Raises ModelError where the scenario breaks a rule on the way, and Unconfirmed if Trio disagrees.
    """
    if recorded.record.violation is None:
        return Shown(recorded)
    if order is None:
        return Shown(explained(scenario, parameters, recorded, stop=stop))
    minimised = minimise(scenario, parameters, recorded, order, stop=stop)
    return Shown(explained(scenario, parameters, minimised.recorded, stop=stop), minimised)
