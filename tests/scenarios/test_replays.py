"""Seeds, tokens and logs of the leak: run, replay, and compare every step."""

import pytest
import trio

from actors.explore.recording import run_once
from actors.explore.replay import replay
from actors.explore.token import decode
from actors.runtime.digest import Digest
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.schedule import FollowLog
from scenarios.xfd_err_leak import xfd_err_leak


def replays_equal(seeds: range) -> int:
    equal = 0
    for seed in seeds:
        first = run_once(xfd_err_leak, xfd_err_leak.convert({}), seed=seed)
        again = replay(xfd_err_leak, decode(first.token))
        equal += again.record.steps == first.record.steps and again.digest == first.digest
    return equal


def test_seeds_replay_from_their_tokens_step_by_step():
    assert replays_equal(range(20)) == 20


@pytest.mark.full
def test_a_thousand_seeds_replay_from_their_tokens_step_by_step():
    assert replays_equal(range(1000)) == 1000


async def follow_free_runs(count: int) -> tuple[int, int]:
    """Return how many of `count` free runs replay equal under control, and how many orders there were."""
    equal, orders = 0, set()
    async with open_driver(xfd_err_leak(swap="full")) as driver:
        for seed in range(count):
            free = Digest()
            log = await driver.run_free(str(seed), observer=free)
            controlled = Digest()
            execution = await driver.run(FollowLog(log), observer=controlled)
            assert execution.ending == "finished"
            equal += free.of_steps == controlled.of_steps
            orders.add(tuple(log))
    return equal, len(orders)


def test_free_runs_are_legal_controlled_schedules_and_differ_from_each_other():
    equal, orders = trio.run(follow_free_runs, 12)
    assert equal == 12
    assert orders >= 6


@pytest.mark.full
def test_two_hundred_free_runs_replay_equal_under_control():
    equal, orders = trio.run(follow_free_runs, 200)
    assert equal == 200
    assert orders >= 80
