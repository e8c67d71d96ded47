"""A driver is stopped while a request is on its way in."""

import msgspec

from actors.runtime import Lock, Variable, World, case, join, scenario, set_label, spawn


class Driver(msgspec.Struct, frozen=True):
    """The driver's extension: how many use it (one for the driver itself), and how far stopping it is."""

    pending: Variable[int]
    lock: Lock
    stopping: Variable[bool]
    event: Variable[bool]
    stopped: Variable[bool]


async def add(driver: Driver, change: int) -> int:
    """Change the number of users under its lock, and return it."""
    async with driver.lock:
        await driver.pending.store(await driver.pending.load() + change)
        return await driver.pending.load()


async def enter(driver: Driver, fixed: bool) -> bool:
    """Count a user in, unless the driver is stopping; say whether."""
    if fixed:
        await add(driver, 1)
    if await driver.stopping.load():
        return False
    if not fixed:
        await add(driver, 1)
    return True


async def leave(driver: Driver) -> None:
    """Count a user out; the last one says so."""
    if await add(driver, -1) == 0:
        await driver.event.store(True)


async def stop(driver: Driver) -> None:
    """Let nobody in any more, and stop when all have left."""
    await driver.stopping.store(True)
    await leave(driver)
    if await driver.event.load():
        await driver.stopped.store(True)


async def main(driver: Driver, fixed: bool) -> None:
    """Start the one that stops the driver, and make a request."""
    stopper = await spawn(stop, driver, name="stop")
    if await enter(driver, fixed):
        set_label("inside")
        assert not await driver.stopped.load(), "a request works on a stopped driver"
    set_label("inside", False)
    await leave(driver)
    await join(stopper)


@scenario(
    cases=[
        case(expect="violated", violated=("main: AssertionError",), states=146, steps=17),
        case(fixed=True, expect="proved", states=164),
    ]
)
def bluetooth_driver(fixed: bool = False) -> World:
    """Can a request be inside a driver that has been stopped?

    A request looks whether the driver is stopping, and then counts itself in. In between the driver may be told to stop, find
    that nobody uses it, and stop. `fixed` counts first and looks then, so that the stopper sees the user or the user the
    stopper.
    """
    world = World()
    driver = Driver(
        world.variable("pending", 1),
        world.lock("lock"),
        world.variable("stopping", False),
        world.variable("event", False),
        world.variable("stopped", False),
    )
    request = world.program(main, driver, fixed)
    world.sometimes("the driver is stopped", bool, driver.stopped)
    world.sometimes("a request is inside", bool, request.label("inside"))
    return world
