"""One counter, two locks."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Variable, World, case, join, scenario, spawn


async def checked(value: Variable[int], lock: Lock) -> None:
    """Add one, and see that it is one more."""
    await lock.acquire()
    before = await value.load()
    await value.store(await value.load() + 1)
    assert await value.load() == before + 1, "somebody else was here"
    await lock.release()


async def unchecked(value: Variable[int], lock: Lock) -> None:
    """Add one."""
    await lock.acquire()
    await value.store(await value.load() + 1)
    await lock.release()


async def main(value: Variable[int], right: Lock, wrong: Lock, others: int) -> None:
    """Start the one that checks, then the others, and wait for all."""
    children = [await spawn(checked, value, right, name="checked")]
    children += [await spawn(unchecked, value, wrong, name=f"other{i}") for i in range(others)]
    await join(*children)


@scenario(
    cases=[
        case(others=1, expect="violated", violated=("main.checked: AssertionError",), states=59, steps=10),
        case(others=3, expect="violated", violated=("main.checked: AssertionError",), states=240, steps=10),
        case(others=7, expect="violated", violated=("main.checked: AssertionError",), states=437, steps=10),
        case(others=3, fixed=True, expect="proved", states=413),
    ]
)
def wronglock(others: Annotated[int, msgspec.Meta(ge=1)] = 7, fixed: bool = False) -> World:
    """Does a lock protect from those who take another one?

    One thread adds one to a value under its lock and checks the sum; the others add under a different lock, so any of them
    may come in between. The suite's `wronglock` has seven others, its `wronglock_3` three. `fixed` gives all the same lock.
    """
    world = World()
    value, right = world.variable("value", 0), world.lock("data lock")
    world.program(main, value, right, right if fixed else world.lock("this lock"), others)
    world.sometimes("somebody adds", bool, value)
    return world
