"""Three threads pass a value around, and a fourth one looks."""

import msgspec

from actors.runtime import Lock, Variable, World, case, scenario, spawn


class Ring(msgspec.Struct, frozen=True):
    """Three values, who has passed his on, and the lock that makes each pass atomic."""

    x: tuple[Variable[int], Variable[int], Variable[int]]
    passed: tuple[Variable[bool], Variable[bool], Variable[bool]]
    lock: Lock


async def first(ring: Ring) -> None:
    """Take the last value, plus one."""
    async with ring.lock:
        await ring.x[0].store((await ring.x[2].load() + 1) % 4)
        await ring.passed[0].store(True)


async def later(ring: Ring, place: int, fixed: bool) -> None:
    """Take the value before; fixed: when it is there."""
    if fixed:
        await ring.passed[place - 1].wait_for(True)
    async with ring.lock:
        await ring.x[place].store(await ring.x[place - 1].load())
        await ring.passed[place].store(True)


async def observer(ring: Ring) -> None:
    """When all have passed, all values are the same."""
    async with ring.lock:
        for passed in ring.passed:
            if not await passed.load():
                return
        one, two = await ring.x[0].load(), await ring.x[1].load()
        assert one == two, "the first two differ"
        assert await ring.x[1].load() == await ring.x[2].load(), "the last two differ"


async def main(ring: Ring, fixed: bool) -> None:
    """Start all four; nobody waits for anybody."""
    await spawn(first, ring, name="t1")
    await spawn(later, ring, 1, fixed, name="t2")
    await spawn(later, ring, 2, fixed, name="t3")
    await spawn(observer, ring, name="t4")


@scenario(
    cases=[
        case(expect="violated", violated=("main.t4: AssertionError",), states=339, steps=25),
        case(fixed=True, expect="proved", states=126),
    ]
)
def token_ring(fixed: bool = False) -> World:
    """Does a value that is passed around arrive everywhere?

    Each pass is atomic, but nobody waits for his turn: if the second passes before the first, it passes an old value. That
    is seen only if the observer comes last. `fixed` waits for the one before.
    """
    world = World()
    ring = Ring(
        (world.variable("x1", 1), world.variable("x2", 2), world.variable("x3", 1)),
        (
            world.variable("passed1", False),
            world.variable("passed2", False),
            world.variable("passed3", False),
        ),
        world.lock("atomic"),
    )
    world.program(main, ring, fixed)
    world.sometimes("all have passed", all_set, *ring.passed)
    return world


def all_set(*flags: bool) -> bool:
    """Say whether all are set."""
    return all(flags)
