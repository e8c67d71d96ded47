"""Every case of every scenario: what it declares is what sampling finds, and each finding replays."""

import os
import subprocess
import sys

import pytest

from actors.explore.replay import replay
from actors.explore.sampling import Wanted, explore
from actors.explore.token import decode
from actors.runtime.loading import built_in

SCENARIOS = built_in("scenarios")
SAMPLED = frozenset({"none", "kernel_fpu_unsaved", "realloc_unrestored", "last_cpu_alone"})
"""The mutants of kernel code that are run without being asked for: one is much like another."""

CASES = [
    pytest.param(
        scenario,
        case,
        id=f"{scenario.name}-{'-'.join(map(str, case.parameters.values()))}",
        marks=[] if case.parameters.get("mutant", "none") in SAMPLED else [pytest.mark.full],
    )
    for scenario in SCENARIOS.values()
    for case in scenario.cases
]


def parameters(scenario, case):
    return scenario.convert({name: scenario.as_text(case.parameters)[name] for name in case.parameters})


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_a_case_does_what_it_declares(scenario, case):
    wanted = Wanted(executions=3000 if case.expect == "violated" else 60, seed=1)
    found = explore(scenario, parameters(scenario, case), wanted)
    assert found.verdict == ("violated" if case.expect == "violated" else "not found")
    if case.violated is not None and found.violated != case.violated:
        # The shortest counterexample is declared, and another one was met first: both are there.
        more = explore(scenario, parameters(scenario, case), Wanted(executions=400, seed=1, keep_going=True))
        assert set(case.violated) <= set(more.violated)
    for finding in found.findings:
        again = replay(scenario, decode(finding.recorded.token))
        assert again.record == finding.recorded.record


@pytest.mark.full
@pytest.mark.parametrize(("scenario", "case"), [case for case in CASES if case.values[1].expect == "proved"])
def test_a_clean_case_stays_clean_while_everything_interesting_happens(scenario, case):
    found = explore(scenario, parameters(scenario, case), Wanted(executions=2000, seed=2))
    assert found.verdict == "not found"
    assert all(found.sometimes.values()), found.sometimes


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_can_be_read(name):
    scenario = SCENARIOS[name]
    world = scenario()
    modes = {condition.mode for condition in world.conditions}
    assert modes == {"always", "sometimes"}
    assert scenario.question.endswith("?")
    assert len(scenario.story.splitlines()) > 3
    assert {case.expect for case in scenario.cases} == {"violated", "proved"}


def token(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "actors.cli", "explore", "xfd_err_leak", "--seed", str(seed), "--json"]
    ran = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    return ran.stdout.partition('"token":"')[2].partition('"')[0]


def test_a_seed_gives_one_token_whatever_the_hash_seed():
    assert token(1, "0") == token(1, "1") == token(1, "4242") != ""
