"""Philosophers around a table, and one fork between each two of them."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, World, case, scenario, set_label


async def philosopher(first: Lock, second: Lock) -> None:
    """Take one fork, then the other, eat, and put both back."""
    async with first:
        set_label("one fork")
        async with second:
            set_label("eating", value=True)
        set_label("eating", value=False)


def somebody(*labels: bool | None) -> bool:
    """Say whether one of them is set."""
    return any(labels)


@scenario(
    cases=[
        case(n=3, expect="violated", violated=("deadlock",), states=26, steps=3),
        case(n=5, expect="violated", violated=("deadlock",), states=287, steps=5),
        case(n=3, ordered=True, expect="proved", states=72),
    ]
)
def dining_philosophers(n: Annotated[int, msgspec.Meta(ge=2, le=12)] = 3, ordered: bool = False) -> World:
    """Can everybody hold one fork and wait for the other?

    Each of n philosophers takes the fork on the left, then the one on the right. If all have taken their left fork, nobody
    can go on. With `ordered` the last one takes the right fork first, so that forks are taken in one order, and all eat.
    """
    world = World()
    forks = [world.lock(f"fork{i}") for i in range(n)]
    diners = []
    for i in range(n):
        left, right = forks[i], forks[(i + 1) % n]
        first, second = (right, left) if ordered and i == n - 1 else (left, right)
        diners.append(world.program(philosopher, first, second, name=f"philosopher{i}"))
    eating = [diner.label("eating") for diner in diners]
    for i in range(n):
        neighbours = (eating[i], eating[(i + 1) % n])
        if n > 2 or i == 0:  # noqa: PLR2004  # two philosophers are each other's only neighbour
            world.never_two(f"philosophers {i} and {(i + 1) % n} never eat together", *neighbours)
    world.sometimes("somebody eats", somebody, *eating)
    return world
