"""What holds for every strategy: legal schedules that replay on Trio, and the same again under the same seed."""

import os
import subprocess
import sys

import pytest
import trio
from hypothesis import strategies as st

from actors.explore.sampled.agreement import difference
from actors.explore.sampled.coroutines import Chosen, step_through
from actors.explore.sampled.rows import Rows
from actors.explore.sampling import Wanted, explore
from actors.explore.stopping import never
from actors.explore.strategies import STRATEGIES, Setting, make
from actors.explore.tables.tables import Tables
from actors.runtime.answers import Answers
from actors.runtime.errors import VmraceError
from tests.drawn import both
from tests.runtime.generated import build, programs

LIMIT = 60
OF_THE_EXECUTION_ALONE = ("random", "pct", "pos")
"""Strategies that look at nothing that one driver knows better than another."""


@pytest.mark.parametrize("name", STRATEGIES)
@both(12, 40, drawn=programs, seed=st.integers(-5, 1000))
def test_schedules_are_legal_and_the_same_on_trio(name, drawn, seed):
    tables = Tables(build(drawn))
    rows = Rows(tables)
    strategy = make(name, seed, Setting(tables))
    for number in range(1, 5):
        strategy.begin(number)
        rows.run(strategy, LIMIT, never)

        async def compare():
            return await difference(build(drawn), rows, only=None, limit=LIMIT, stop=never)

        assert trio.run(compare) is None
    tables.close()


@pytest.mark.parametrize("name", OF_THE_EXECUTION_ALONE)
@both(15, 40, drawn=programs, seed=st.integers(0, 1000))
def test_coroutines_stepped_directly_are_the_same_execution(name, drawn, seed):
    tables = Tables(build(drawn))
    rows, strategy = Rows(tables), make(name, seed, Setting(tables))
    again, world, answers = make(name, seed, Setting()), build(drawn), Answers()
    for number in range(1, 5):
        strategy.begin(number)
        rows.run(strategy, LIMIT, never)
        again.begin(number)
        chosen = Chosen(again)
        execution = step_through(world, chosen, limit=LIMIT, only=None, answers=answers)
        chosen.ended(execution)
        assert execution.choices == rows.choices
        assert (execution.ending, execution.steps, execution.met) == (rows.ending, rows.steps, rows.met)
        assert rows.violated == (execution.violation.names if execution.violation else ())
    tables.close()


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_drivers_find_the_same_kinds(worlds, name):
    for driver in ("tables", "trio"):
        wanted = Wanted(strategy=name, executions=150, keep_going=True, driver=driver)
        found = explore(worlds["family"], {}, wanted)
        assert set(found.violated) == {"deadlock", "parent: AssertionError"}, driver
        assert found.unreproduced == ()


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_seed_is_the_same_exploration(worlds, name):
    def tokens(seed):
        wanted = Wanted(strategy=name, seed=seed, executions=80, keep_going=True)
        found = explore(worlds["lossy"], {"n": 3}, wanted)
        return [finding.recorded.token for finding in found.findings], found.violations, found.steps

    assert tokens(3) == tokens(3)
    assert len({tokens(seed)[1:] for seed in range(6)}) > 1


IN_A_PROCESS = """
import sys
from actors.explore.sampling import Wanted, explore
from actors.runtime.loading import built_in

scenario = built_in("scenarios")["xfd_err_leak"]
for name in sys.argv[1:]:
    found = explore(scenario, scenario.convert({}), Wanted(strategy=name, executions=3000, seed=1))
    print(name, found.findings[0].recorded.token)
"""


def tokens(hash_seed):
    """Return the token that each strategy finds, all of them asked in a process of its own with that hash seed."""
    ran = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, *STRATEGIES],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return dict(line.split() for line in ran.stdout.splitlines())


def test_a_seed_gives_one_token_whatever_the_hash_seed():
    found = tokens("0")
    assert tokens("7") == found
    assert list(found) == list(STRATEGIES)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(VmraceError, match="no strategy is called 'clever'; there are portfolio, fresh"):
        make("clever", 1, Setting())
