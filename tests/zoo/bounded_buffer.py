"""A bounded buffer between producers and consumers, with condition variables."""

from typing import Annotated

import msgspec
from condition_variable import ConditionVariable, condition_variable

from actors.runtime import Lock, Variable, World, case, join, scenario, spawn


class Buffer(msgspec.Struct, frozen=True):
    """A ring of slots, of which one is always free; where to take and put; and what to wait for."""

    slots: tuple[Variable[bool], ...]
    head: Variable[int]
    rear: Variable[int]
    lock: Lock
    not_full: ConditionVariable
    not_empty: ConditionVariable


async def put(buffer: Buffer) -> None:
    """Put one in, waiting for room."""
    await buffer.lock.acquire()
    while True:
        rear = await buffer.rear.load()
        after = (rear + 1) % len(buffer.slots)
        if after != await buffer.head.load():
            break
        await buffer.not_full.wait(buffer.lock)
    await buffer.slots[rear].store(True)
    await buffer.rear.store(after)
    await buffer.not_empty.signal()
    await buffer.lock.release()


async def get(buffer: Buffer) -> None:
    """Take one out, waiting for one."""
    await buffer.lock.acquire()
    while True:
        head = await buffer.head.load()
        if head != await buffer.rear.load():
            break
        await buffer.not_empty.wait(buffer.lock)
    assert await buffer.slots[head].load(), "nothing is there"
    await buffer.slots[head].store(False)
    await buffer.head.store((head + 1) % len(buffer.slots))
    await buffer.not_full.signal()
    await buffer.lock.release()


async def producer(buffer: Buffer, items: int) -> None:
    """Put so many in."""
    for _ in range(items):
        await put(buffer)


async def consumer(buffer: Buffer, items: int) -> None:
    """Take so many out."""
    for _ in range(items):
        await get(buffer)


async def main(buffer: Buffer, pairs: int, items: int) -> None:
    """Start the producers, then the consumers, and wait for all."""
    children = [await spawn(producer, buffer, items, name=f"producer{i}") for i in range(pairs)]
    children += [await spawn(consumer, buffer, items, name=f"consumer{i}") for i in range(pairs)]
    await join(*children)


@scenario(
    cases=[
        case(pairs=2, expect="violated", violated=("deadlock",), states=1_277, steps=35),
        case(pairs=2, fixed=True, expect="proved", states=1_565),
    ]
)
def bounded_buffer(
    pairs: Annotated[int, msgspec.Meta(ge=1)] = 2,
    items: Annotated[int, msgspec.Meta(ge=1)] = 1,
    capacity: Annotated[int, msgspec.Meta(ge=1)] = 1,
    fixed: bool = False,
) -> World:
    """Can a signal wake the wrong one?

    Producers wait for room and consumers for an element, all on one condition variable, and a signal wakes one of them. A
    consumer that takes the last element may wake another consumer, which finds nothing and sleeps again, while the producer
    that there is room for sleeps on. `fixed` has a condition variable each for "not full" and "not empty".
    """
    world = World()
    changed = condition_variable(world, "not full" if fixed else "changed")
    buffer = Buffer(
        tuple(world.variable(f"slot{i}", False) for i in range(capacity + 1)),
        world.variable("head", 0),
        world.variable("rear", 0),
        world.lock("lock"),
        changed,
        condition_variable(world, "not empty") if fixed else changed,
    )
    world.program(main, buffer, pairs, items)
    world.sometimes("somebody sleeps", bool, buffer.not_empty)
    return world
