"""Whatever the world: a schedule gives the same execution again, and a free run is one of the controlled ones.

The worlds are those of `generated`.
"""

import trio
from hypothesis import strategies as st

from actors.runtime.digest import Digest
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.schedule import Follow, FollowLog
from tests.drawn import both
from tests.runtime.generated import build, programs

LIMIT = 60


def facts(execution):
    return execution.ending, execution.violation, execution.met, execution.steps, execution.cells


async def check_replay(drawn, chooser):
    async def once(chooser, *, checked=False):
        digest = Digest()
        execution = await driver.run(chooser, limit=LIMIT, observer=digest, checked=checked)
        return execution.choices, digest.value, facts(execution)

    async with open_driver(build(drawn)) as driver:
        first = await once(chooser, checked=True)
        assert await once(Follow(first[0])) == first
        assert await once(Follow(first[0])) == first
    async with open_driver(build(drawn)) as driver:
        assert await once(Follow(first[0])) == first


@both(50, 150, programs, st.integers(0, 1000))
def test_a_schedule_gives_the_same_execution_again(uniform, drawn, seed):
    """Asked anew or remembered, checked or not, in the same world or in one built again."""
    trio.run(check_replay, drawn, uniform(seed))


async def check_free(drawn, seed):
    async with open_driver(build(drawn)) as driver:
        free, controlled = Digest(), Digest()
        log = await driver.run_free(str(seed), limit=LIMIT, observer=free)
        execution = await driver.run(FollowLog(log), limit=LIMIT, observer=controlled)
    assert free.of_steps[: len(controlled.of_steps)] == controlled.of_steps
    assert len(controlled.rolling) <= len(log)
    if len(controlled.rolling) < len(log):
        assert execution.ending in {"finished", "violated"}  # what the free run noticed a few messages later


@both(50, 150, programs, st.integers(0, 1000))
def test_a_free_run_is_a_controlled_one(drawn, seed):
    """Its log is legal, and leads to the same steps; where the controlled one ends, it was over."""
    trio.run(check_free, drawn, seed)
