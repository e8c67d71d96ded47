"""A queue between two threads that take turns by flags, and count their turns by themselves."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Variable, World, case, join, scenario, spawn


class Queue(msgspec.Struct, frozen=True):
    """The elements, where the next one is put and taken, and how many there are; and what the test remembers."""

    elements: tuple[Variable[int], ...]
    head: Variable[int]
    tail: Variable[int]
    amount: Variable[int]
    stored: tuple[Variable[int], ...]
    may_enqueue: Variable[bool]
    may_dequeue: Variable[bool]
    lock: Lock


async def enqueue(queue: Queue, value: int) -> None:
    """Put one in."""
    tail = await queue.tail.load()
    await queue.elements[tail].store(value)
    await queue.amount.store(await queue.amount.load() + 1)
    await queue.tail.store((tail + 1) % len(queue.elements))


async def dequeue(queue: Queue) -> int:
    """Take one out."""
    head = await queue.head.load()
    value = await queue.elements[head].load()
    await queue.amount.store(await queue.amount.load() - 1)
    await queue.head.store((head + 1) % len(queue.elements))
    return value


async def producer(queue: Queue, fixed: bool) -> None:
    """Put in 0, then the next number whenever it is this thread's turn; remember which came in which turn."""
    await queue.lock.acquire()
    value = 0
    await enqueue(queue, value)
    await queue.stored[0].store(value)
    assert await queue.head.load() != await queue.tail.load(), "empty"
    await queue.lock.release()
    for turn in range(1, len(queue.elements)):
        await queue.lock.acquire()
        if await queue.may_enqueue.load():
            value += 1
            await enqueue(queue, value)
            await queue.stored[value if fixed else turn].store(value)
            await queue.may_enqueue.store(False)
            await queue.may_dequeue.store(True)
        await queue.lock.release()


async def consumer(queue: Queue, fixed: bool) -> None:
    """Take one out whenever it is this thread's turn: it is what was remembered for the turn."""
    taken = 0
    for turn in range(len(queue.elements)):
        await queue.lock.acquire()
        if await queue.may_dequeue.load():
            value = await dequeue(queue)
            expected = await queue.stored[taken if fixed else turn].load()
            assert value == expected, f"{value} comes out, not {expected}"
            taken += 1
            await queue.may_dequeue.store(False)
            await queue.may_enqueue.store(True)
        await queue.lock.release()


async def main(queue: Queue, fixed: bool) -> None:
    """Start both and wait for them."""
    first = await spawn(producer, queue, fixed, name="producer")
    second = await spawn(consumer, queue, fixed, name="consumer")
    await join(first, second)


@scenario(
    cases=[
        case(n=3, expect="violated", violated=("main.consumer: AssertionError",), states=176, steps=34),
        case(n=20, expect="violated", violated=("main.consumer: AssertionError",), states=320, steps=34),
        case(n=3, fixed=True, expect="proved", states=334),
    ]
)
def queue(n: Annotated[int, msgspec.Meta(ge=2)] = 20, fixed: bool = False) -> World:
    """Do two threads that take turns count them alike?

    All accesses are under one lock, but a thread that finds that it is not its turn counts the turn as taken. So from the
    first missed turn on, the n-th element is compared with that of another turn. `fixed` counts elements instead.
    """
    world = World()
    shared = Queue(
        tuple(world.variable(f"element{i}", 0) for i in range(n)),
        world.variable("head", 0),
        world.variable("tail", 0),
        world.variable("amount", 0),
        tuple(world.variable(f"stored{i}", 0) for i in range(n)),
        world.variable("may enqueue", True),
        world.variable("may dequeue", False),
        world.lock("lock"),
    )
    world.program(main, shared, fixed)
    world.sometimes("one comes out", bool, shared.head)
    return world
