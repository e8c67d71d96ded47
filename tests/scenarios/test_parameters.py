"""The machine's parameters, which every scenario with CPUs accepts."""

import pytest

from actors.explore.recording import run_once
from actors.explore.replay import replay
from actors.explore.sampling import Wanted, explore
from actors.explore.token import decode
from actors.machine.model import cpu_model
from actors.runtime.errors import VmraceError
from actors.runtime.loading import built_in
from actors.system import Machine
from scenarios.swap_window import swap_window

WITH_CPUS = [scenario for scenario in built_in("scenarios").values() if isinstance(scenario(), Machine)]
CHOICES = {
    "cpu": "emerald_rapids, sapphire_rapids, mail_2021",
    "xfd_err": "load, accumulate",
    "xfd_set": "implied, keep, undefined",
    "tracking": "recorded, by_value, architectural",
}


def by_name(scenario):
    return scenario.name


def test_most_scenarios_have_cpus():
    assert len(WITH_CPUS) >= 6


@pytest.mark.parametrize("scenario", WITH_CPUS, ids=by_name)
def test_every_scenario_with_cpus_has_the_machines_parameters(scenario):
    allowed = {parameter.name: parameter.allowed for parameter in scenario.parameters}
    assert allowed.items() >= CHOICES.items()


@pytest.mark.parametrize("scenario", WITH_CPUS, ids=by_name)
@pytest.mark.parametrize("tracking", ["recorded", "by_value", "architectural"])
def test_they_reach_the_machine(scenario, tracking):
    given = {"cpu": "mail_2021", "xfd_err": "accumulate", "xfd_set": "keep", "tracking": tracking}
    assert scenario(**given).cpu_model == cpu_model("mail_2021", "accumulate", "keep", tracking)
    assert scenario(tracking=tracking).cpu_model == cpu_model("sapphire_rapids", tracking=tracking)


def test_one_that_keeps_its_default_is_not_in_a_token_and_one_that_does_not_is():
    for given, listed in (
        ({}, ()),
        ({"tracking": "recorded", "xfd_set": "implied"}, ()),
        ({"tracking": "by_value"}, (("tracking", "by_value"),)),
        ({"xfd_set": "keep"}, (("xfd_set", "keep"),)),
    ):
        found = explore(swap_window, swap_window.convert(given), Wanted(executions=100, seed=1))
        body = decode(found.findings[0].recorded.token)
        assert body.parameters == listed


def test_an_execution_with_several_outcomes_replays_from_its_token():
    parameters = swap_window.convert({"tracking": "architectural"})
    runs = [run_once(swap_window, parameters, seed=seed) for seed in range(12)]
    several = [one for one in runs if any("in use" in step.outcome for step in one.record.steps)]
    assert several
    for recorded in several:
        assert replay(swap_window, decode(recorded.token)).record.steps == recorded.record.steps


def test_another_word_is_refused_with_those_that_there_are():
    with pytest.raises(VmraceError, match="tracking is recorded, by_value, architectural, not 'exact'"):
        swap_window.convert({"tracking": "exact"})
