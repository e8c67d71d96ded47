"""Threads that add one to a counter by a load and a store."""

from typing import Annotated

import msgspec

from actors.runtime import Variable, World, case, join, scenario, spawn


async def worker(counter: Variable[int], increments: int, atomic: bool) -> None:
    """Add one, so many times."""
    for _ in range(increments):
        if atomic:
            await counter.fetch_add(1)
        else:
            await counter.store(await counter.load() + 1)


async def main(counter: Variable[int], threads: int, increments: int, atomic: bool) -> None:
    """Start the threads, wait for them, and count."""
    workers = [await spawn(worker, counter, increments, atomic, name=f"worker{i}") for i in range(threads)]
    await join(*workers)
    assert await counter.load() == threads * increments, "an increment is lost"


@scenario(
    cases=[
        case(
            threads=2, increments=1, expect="violated", violated=("main: AssertionError",), states=23, steps=8
        ),
        case(
            threads=2,
            increments=2,
            expect="violated",
            violated=("main: AssertionError",),
            states=123,
            steps=12,
        ),
        case(
            threads=3,
            increments=1,
            expect="violated",
            violated=("main: AssertionError",),
            states=133,
            steps=11,
        ),
        case(threads=3, increments=2, fixed=True, expect="proved", states=474),
    ]
)
def lost_update(
    threads: Annotated[int, msgspec.Meta(ge=1)] = 2,
    increments: Annotated[int, msgspec.Meta(ge=1)] = 1,
    fixed: bool = False,
) -> World:
    """Can an increment get lost?

    Between the load and the store of one thread another may do both, and its increment is overwritten. `fixed` adds in
    one step.
    """
    world = World()
    counter = world.variable("counter", 0)
    world.program(main, counter, threads, increments, fixed)
    world.sometimes("somebody counts", bool, counter)
    return world
