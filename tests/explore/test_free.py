"""Free-running executions: really concurrent, each log a legal controlled schedule of the same steps."""

import pytest
import trio

from actors.explore.sampling import Wanted, explore
from actors.runtime.digest import Digest
from actors.runtime.drivers.trio_driver import TrioDriver, open_driver
from actors.runtime.schedule import FollowLog


async def logs_followed(world, seeds):
    """Run freely and follow each log; return the distinct logs."""
    orders = set()
    async with open_driver(world) as driver:
        for seed in seeds:
            freely, controlled = Digest(), Digest()
            log = await driver.run_free(f"{seed}", observer=freely)
            execution = await driver.run(FollowLog(log), observer=controlled)
            common = min(len(log), execution.steps)
            assert common > 0
            assert freely.of_steps[:common] == controlled.of_steps[:common]
            orders.add(tuple(log))
    return orders


@pytest.mark.trio
async def test_two_hundred_logs_are_followed_step_for_step(worlds):
    orders = await logs_followed(worlds["lossy"](n=3), range(200))
    assert len(orders) > 50, "there has to be real concurrency in the logs"


@pytest.mark.trio
async def test_deadlocks_and_spawns_are_followed_too(worlds):
    assert len(await logs_followed(worlds["family"](), range(40))) >= 3


def test_a_free_finding_is_that_of_its_controlled_replay(worlds):
    found = explore(worlds["lossy"], {"n": 3}, Wanted(free=True, executions=100, keep_going=True))
    assert found.verdict == "violated"
    assert found.orders > 20
    assert found.unreproduced == ()
    assert found.findings[0].recorded.record.violation.text.startswith("3 increments")


def test_counted_orders_are_of_free_runs_alone(worlds):
    assert explore(worlds["lossy"], {"n": 1}, Wanted(executions=2)).orders is None


@pytest.mark.trio
async def test_no_task_is_left_behind(worlds):
    async with open_driver(worlds["lossy"]()) as driver:
        await driver.run_free("1")
        before = trio.lowlevel.current_statistics().tasks_living
        for seed in range(20):
            await driver.run_free(f"{seed}")
        assert trio.lowlevel.current_statistics().tasks_living == before


def test_a_free_run_that_no_controlled_execution_can_follow_is_told(worlds, monkeypatch):
    async def invented(*_args, **_more):
        return [("count", 0), ("nobody", 0)]

    monkeypatch.setattr(TrioDriver, "run_free", invented)
    found = explore(worlds["lossy"], {}, Wanted(free=True, executions=3))
    assert (found.findings, found.executions) == ((), 0)
    assert "step 1 of the log is count's, whose message is not enabled" in found.unreproduced[0].why


def test_a_replay_that_goes_another_way_is_told(worlds, monkeypatch):
    run_free = TrioDriver.run_free

    async def otherwise(self, seed, *, limit, observer):
        log = await run_free(self, seed, limit=limit, observer=observer)
        observer.of_steps[2] ^= 1
        return log

    monkeypatch.setattr(TrioDriver, "run_free", otherwise)
    found = explore(worlds["lossy"], {}, Wanted(free=True, executions=3))
    assert (found.findings, found.executions) == ((), 0)
    assert "went another way" in found.unreproduced[0].why


def test_nothing_is_begun_once_somebody_asked_to_stop(worlds):
    found = explore(worlds["lossy"], {}, Wanted(free=True), stop=lambda: True)
    assert (found.stopped, found.orders) == (True, 0)
