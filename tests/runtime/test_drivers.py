"""The Trio driver: one step at a time or all at once, and nothing left behind however it ends."""

# ruff: noqa: ARG002  # devices, observers and choosers are told more than these need

import gc

import pytest
import trio
import trio.testing
from trio.lowlevel import current_statistics

from actors.runtime import World, spawn
from actors.runtime.digest import Digest
from actors.runtime.drivers.parking import Parking
from actors.runtime.drivers.programs import ProgramTasks
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.errors import Divergence, ForeignAwait, ModelError
from actors.runtime.schedule import Default, Follow, FollowLog


@pytest.fixture(autouse=True)
def _only_what_is_new():
    """Let the collections below go through what these tests make, and not through all that the suite has left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def adds(x, lock, times):
    for _ in range(times):
        async with lock:
            await x.store(await x.load() + 1)


async def child(x):
    await x.fetch_add(10)


async def spawns(x):
    await spawn(child, x)
    await spawn(child, x, background=True)


async def waits_for_ever(x):
    await x.wait_for(-1)


def build(*extra):
    world = World()
    x, lock = world.variable("x", 0), world.lock("l")
    for name in ("a", "b"):
        world.program(adds, x, lock, 2, name=name)
    world.program(spawns, x)
    world.program(waits_for_ever, x, background=True)
    for function in extra:
        world.program(function, x)
    return world


class At(Default):
    """The default order, and something done before the n-th step."""

    def __init__(self, step, action):
        self._step = step
        self._action = action

    def program(self, execution, enabled):
        if execution.steps == self._step:
            self._action()
        return 0


async def living_after_a_run(driver):
    """Return how many tasks there are between two executions."""
    await driver.run(Default())
    return current_statistics().tasks_living


@pytest.mark.trio
async def test_executions_leave_no_task_and_no_coroutine():
    async with open_driver(build()) as driver:
        living = await living_after_a_run(driver)
        for number in range(20):
            assert (await driver.run(Default())).ending == "finished"
            await driver.run_free(str(number))
            assert current_statistics().tasks_living == living
    gc.collect()


@pytest.mark.trio
async def test_one_cancelled_at_any_step_leaves_nothing_and_the_driver_goes_on():
    async with open_driver(build()) as driver:
        living = await living_after_a_run(driver)
        for step in range(15):
            with trio.CancelScope() as scope:
                await driver.run(At(step, scope.cancel))
            assert scope.cancelled_caught
            assert current_statistics().tasks_living == living
            gc.collect()
        assert (await driver.run(Default())).ending == "finished"


@pytest.mark.trio
async def test_a_driver_cancelled_at_any_step_leaves_nothing():
    """Everybody is woken at once here, those that Trio has woken already among them."""
    before = current_statistics().tasks_living
    for step in range(15):
        with trio.CancelScope() as scope:
            async with open_driver(build()) as driver:
                await driver.run(At(step, scope.cancel))
        assert scope.cancelled_caught
        assert current_statistics().tasks_living == before
        gc.collect()


@pytest.mark.trio
async def test_a_free_run_cancelled_anywhere_leaves_nothing():
    before = current_statistics().tasks_living
    for step in range(15):
        with trio.CancelScope() as scope:
            async with open_driver(build()) as driver:
                await driver.run_free("1", observer=Cancels(step, scope))
                await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert current_statistics().tasks_living == before
        gc.collect()


class Cancels:
    """An observer that cancels a scope at the n-th step."""

    def __init__(self, step, scope):
        self._step = step
        self._scope = scope

    def handled(self, execution, running, before, outcome):
        if execution.steps >= self._step:
            self._scope.cancel()

    def settled(self, execution):
        """Never called in a free run."""


class Fails:
    """An observer that raises at the n-th step."""

    def __init__(self, step):
        self._step = step

    def handled(self, execution, running, before, outcome):
        if execution.steps == self._step:
            raise OSError("the disk is full")

    def settled(self, execution):
        """Not this one."""


@pytest.mark.trio
async def test_errors_come_out_as_themselves_and_the_driver_goes_on():
    def broken():
        raise ZeroDivisionError

    async with open_driver(build()) as driver:
        living = await living_after_a_run(driver)
        with pytest.raises(ZeroDivisionError):
            await driver.run(At(3, broken))
        with pytest.raises(OSError, match="disk"):
            await driver.run(Default(), observer=Fails(3))
        with pytest.raises(OSError, match="disk"):
            await driver.run_free("1", observer=Fails(3))
        with pytest.raises(Divergence, match=r"number 100 of .* enabled programs at step 1"):
            await driver.run(Follow([99]))
        assert current_statistics().tasks_living == living
        assert (await driver.run(Default())).ending == "finished"
    gc.collect()


async def sleeps(x):
    await x.load()
    await trio.sleep(0.01)


@pytest.mark.trio
async def test_both_sessions_refuse_what_is_not_a_message():
    async with open_driver(build(sleeps)) as driver:
        with pytest.raises(ForeignAwait):
            await driver.run(Default())
        with pytest.raises(ForeignAwait):
            await driver.run_free("1")


async def spawns_its_namesake(x):
    await spawn(child, x, name="c")
    await spawn(child, x, name="c")


@pytest.mark.trio
async def test_an_error_of_the_model_half_way_ends_both_sessions():
    async with open_driver(build(spawns_its_namesake)) as driver:
        for _ in range(2):
            with pytest.raises(ModelError, match="two programs called"):
                await driver.run(Default())
            with pytest.raises(ModelError, match="two programs called"):
                await driver.run_free("1")
    gc.collect()


async def interrupts(x):
    await x.load()
    raise KeyboardInterrupt


@pytest.mark.trio
async def test_ctrl_c_in_a_program_comes_out_as_itself():
    with pytest.raises(KeyboardInterrupt):
        async with open_driver(build(interrupts)) as driver:
            await driver.run(Default())


@pytest.mark.trio
async def test_two_executions_at_once_do_not_meet():
    async with open_driver(build()) as driver:
        digests = [Digest() for _ in range(4)]
        async with trio.open_nursery() as nursery:
            for digest in digests:
                nursery.start_soon(lambda one=digest: driver.run(Default(), observer=one))
    assert len({digest.value for digest in digests}) == 1
    assert len(digests[0].rolling) > 10


@pytest.mark.trio
async def test_a_free_run_stops_at_its_limit():
    async with open_driver(build()) as driver:
        log = await driver.run_free("1", limit=5)
        assert len(log) == 5
        assert (await driver.run(FollowLog(log), limit=5)).ending == "limit"


async def serves(ball, back, times):
    for number in range(times):
        await ball.put(number)
        assert await back.get() == number


async def returns(ball, back):
    while True:
        await back.put(await ball.get())


@pytest.mark.trio
async def test_a_free_run_goes_on_as_long_as_somebody_can():
    """Each waits for the other all the time, and nobody is woken by anybody's end."""
    world = World()
    boxes = world.mailbox("ball"), world.mailbox("back")
    world.program(serves, *boxes, 10)
    world.program(returns, *boxes, background=True)
    async with open_driver(world) as driver:
        for number in range(20):
            log = await driver.run_free(str(number))
            assert [name for name, _ in log].count("serves") == 20
            assert (await driver.run(FollowLog(log))).ending == "finished"


@pytest.mark.trio
async def test_a_free_run_that_can_go_nowhere_ends():
    world = World()
    x = world.variable("x", 0)
    world.program(waits_for_ever, x)
    world.program(child, x)
    async with open_driver(world) as driver:
        log = await driver.run_free("1")
        assert log == [("child", 0)]
        assert (await driver.run(FollowLog(log))).violation.names == ("deadlock",)


async def races(x):
    for _ in range(2):
        await x.store(await x.load() + 1)
    await spawn(child, x)


@pytest.mark.trio
async def test_free_runs_are_legal_schedules_in_many_orders():
    world = World()
    x = world.variable("x", 0)
    for name in ("a", "b", "c"):
        world.program(races, x, name=name)
    logs = set()
    async with open_driver(world) as driver:
        for number in range(200):
            free, controlled = Digest(), Digest()
            log = await driver.run_free(str(number), observer=free)
            await driver.run(FollowLog(log), observer=controlled)
            assert free.of_steps[: len(controlled.of_steps)] == controlled.of_steps
            assert len(controlled.rolling) <= len(log)
            logs.add(tuple(log))
    assert len(logs) > 100


@pytest.mark.trio
async def test_a_log_that_is_not_legal_is_refused():
    async with open_driver(build()) as driver:
        log = [("a", 0), ("b", 0)]  # b takes the lock that a holds
        with pytest.raises(Divergence, match="step 2 of the log is b's, whose message is not enabled"):
            await driver.run(FollowLog(log))


@pytest.mark.trio
async def test_parking_wakes_once_and_an_empty_place_not_at_all():
    place, heard = Parking(), []

    async def waits():
        heard.append(await place.park())

    place.wake("nobody")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waits)
        await trio.testing.wait_all_tasks_blocked()
        place.wake("somebody")
        place.wake("nobody")
    assert heard == ["somebody"]


@pytest.mark.trio
async def test_a_cancelled_parking_place_is_empty():
    place = Parking()
    with trio.CancelScope() as scope:
        scope.cancel()
        await place.park()
    place.wake()
    assert scope.cancelled_caught


def test_a_task_that_cancels_itself_does_not_end_the_driver_in_silence(monkeypatch):
    async def cancelled(self, running, parking):
        trio.lowlevel.current_task().parent_nursery.cancel_scope.cancel()
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(ProgramTasks, "_step", cancelled)

    async def main():
        async with open_driver(build()) as driver:
            await driver.run(Default())

    with pytest.raises(RuntimeError, match="was cancelled, and by nobody that may"):
        trio.run(main)
