"""Philosophers around a table."""

from typing import Annotated

import msgspec

from actors.runtime import Label, Lock, World, case, join, scenario, set_label, spawn


async def philosopher(first: Lock, second: Lock) -> None:
    """Take one fork, then the other, eat, and put the second back, then the first."""
    await first.acquire()
    await second.acquire()
    set_label("eating", True)
    await second.release()
    set_label("eating", False)
    await first.release()


async def main(forks: tuple[Lock, ...], fixed: bool) -> None:
    """Seat everybody and wait until all have left."""
    n = len(forks)
    diners = []
    for i in range(n):
        left, right = forks[i], forks[(i + 1) % n]
        if fixed and i == n - 1:
            left, right = right, left
        diners.append(await spawn(philosopher, left, right, name=f"philosopher{i}"))
    await join(*diners)


@scenario(
    cases=[
        case(n=2, expect="violated", violated=("deadlock",), states=14, steps=4),
        case(n=3, expect="violated", violated=("deadlock",), states=48, steps=6),
        case(n=5, expect="violated", violated=("deadlock",), states=586, steps=10),
        case(n=7, expect="violated", violated=("deadlock",), states=7_037, steps=14),
        case(n=3, fixed=True, expect="proved", states=101),
        case(n=5, fixed=True, expect="proved", states=1_987),
    ]
)
def din_phil(n: Annotated[int, msgspec.Meta(ge=2)] = 3, fixed: bool = False) -> World:
    """Can everybody hold one fork and wait for the other?

    Each of n philosophers takes the left fork, then the right one. If each takes the left one before anybody takes the right
    one, nobody goes on. With `fixed` the last one takes the right fork first.
    """
    world = World()
    world.program(main, tuple(world.lock(f"fork{i}") for i in range(n)), fixed)
    world.sometimes("the first one eats", bool, Label("main.philosopher0", "eating"))
    return world
