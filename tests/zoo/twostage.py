"""A fact that is written in two stages, each under a lock of its own."""

from typing import Annotated

import msgspec

from actors.runtime import Label, Lock, Variable, World, case, join, scenario, set_label, spawn


class Shared(msgspec.Struct, frozen=True):
    """Two data and their locks."""

    data1: Variable[int]
    data2: Variable[int]
    lock1: Lock
    lock2: Lock


async def writer(shared: Shared, fixed: bool) -> None:
    """Write the first datum, let go, and derive the second from it."""
    await shared.lock1.acquire()
    await shared.data1.store(1)
    if not fixed:
        await shared.lock1.release()
    await shared.lock2.acquire()
    await shared.data2.store(await shared.data1.load() + 1)
    await shared.lock2.release()
    if fixed:
        await shared.lock1.release()


async def reader(shared: Shared) -> None:
    """If the first datum is there, the second one is."""
    await shared.lock1.acquire()
    first = await shared.data1.load()
    await shared.lock1.release()
    if first == 0:
        return
    set_label("first seen")
    await shared.lock2.acquire()
    second = await shared.data2.load()
    await shared.lock2.release()
    assert second == first + 1, "the second stage is missing"


async def main(shared: Shared, writers: int, fixed: bool) -> None:
    """Start the writers, the reader last, and wait for all."""
    children = [await spawn(writer, shared, fixed, name=f"writer{i}") for i in range(writers)]
    children.append(await spawn(reader, shared, name="reader"))
    await join(*children)


@scenario(
    cases=[
        case(n=2, expect="violated", violated=("main.reader: AssertionError",), states=43, steps=11),
        case(n=3, expect="violated", violated=("main.reader: AssertionError",), states=180, steps=12),
        case(n=5, expect="violated", violated=("main.reader: AssertionError",), states=1_196, steps=14),
        case(n=3, fixed=True, expect="proved", states=151),
    ]
)
def twostage(n: Annotated[int, msgspec.Meta(ge=2)] = 2, fixed: bool = False) -> World:
    """Can the first stage be seen without the second?

    Of n threads, n-1 write; the last one reads. Each datum is written and read under its lock, and no access races; but
    between the two stages of the first writer the reader may see the first datum, and no writer may come to the second
    stage before the reader has looked there. `fixed` holds the first lock until the second stage is done.
    """
    world = World()
    shared = Shared(
        world.variable("data1", 0), world.variable("data2", 0), world.lock("lock1"), world.lock("lock2")
    )
    world.program(main, shared, n - 1, fixed)
    world.sometimes("the reader sees the first stage", bool, Label("main.reader", "first seen"))
    return world
