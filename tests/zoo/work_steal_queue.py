"""Cilk's THE protocol: a work queue whose owner works at the tail, and thieves at the head."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Program, Variable, World, case, join, scenario, spawn

SIZE = 2  # at the start; a power of two


class Queue(msgspec.Struct, frozen=True):
    """Head and tail count up; `arrays` are the rings of 2, 4, 8... places, of which `mask` + 1 says the one in use."""

    head: Variable[int]
    tail: Variable[int]
    mask: Variable[int]
    arrays: tuple[tuple[Variable[int | None], ...], ...]
    lock: Lock
    spare: int
    """Places that a push leaves free, since a thief may be about to read the one behind the head."""

    def place(self, mask: int, index: int) -> Variable[int | None]:
        """The place of an index in the ring with that mask."""
        return self.arrays[(mask + 1).bit_length() - 2][index & mask]


Counts = tuple[Variable[int], ...]


async def steal(queue: Queue) -> int | None:
    """Take from the head: move it first, then look whether that was one too far."""
    await queue.lock.acquire()
    head = await queue.head.load()
    await queue.head.store(head + 1)
    item = None
    if head < await queue.tail.load():
        item = await queue.place(await queue.mask.load(), head).load()
    else:
        await queue.head.store(head)
    await queue.lock.release()
    return item


async def pop(queue: Queue) -> int | None:
    """Take from the tail in the same way, without the lock where no thief can be at the same element."""
    tail = await queue.tail.load() - 1
    await queue.tail.store(tail)
    if await queue.head.load() <= tail:
        return await queue.place(await queue.mask.load(), tail).load()
    await queue.tail.store(tail + 1)
    return await pop_locked(queue)


async def pop_locked(queue: Queue) -> int | None:
    """Take from the tail while no thief is here."""
    await queue.lock.acquire()
    tail = await queue.tail.load() - 1
    await queue.tail.store(tail)
    item = None
    if await queue.head.load() <= tail:
        item = await queue.place(await queue.mask.load(), tail).load()
    else:
        await queue.head.store(0)
        await queue.tail.store(0)
    await queue.lock.release()
    return item


async def push(queue: Queue, item: int) -> None:
    """Put at the tail, without the lock where there is room."""
    tail = await queue.tail.load()
    head = await queue.head.load()
    mask = await queue.mask.load()
    if tail < head + mask + 1 - queue.spare:
        await queue.place(mask, tail).store(item)
        await queue.tail.store(tail + 1)
    else:
        await push_locked(queue, item)


async def push_locked(queue: Queue, item: int) -> None:
    """Put at the tail while no thief is here, in a ring twice as large if need be."""
    await queue.lock.acquire()
    head = await queue.head.load()
    count = await queue.tail.load() - head
    mask = await queue.mask.load()
    head &= mask
    await queue.head.store(head)
    await queue.tail.store(head + count)
    if count >= mask:
        larger = 2 * (mask + 1) - 1
        for i in range(count):
            await queue.place(larger, i).store(await queue.place(mask, head + i).load())
        await queue.mask.store(larger)
        await queue.head.store(0)
        await queue.tail.store(count)
        mask = larger
    tail = await queue.tail.load()
    await queue.place(mask, tail).store(item)
    await queue.tail.store(tail + 1)
    await queue.lock.release()


async def work(counts: Counts, item: int | None) -> None:
    """Do the work of an item: count it."""
    if item is not None:
        await counts[item].store(await counts[item].load() + 1)


async def thief(queue: Queue, counts: Counts, attempts: int) -> None:
    """Steal so often, and work."""
    for _ in range(attempts):
        await work(counts, await steal(queue))


async def start(queue: Queue, counts: Counts, thieves: int, attempts: int) -> list[Program]:
    """Start the thieves."""
    return [await spawn(thief, queue, counts, attempts, name=f"thief{i}") for i in range(thieves)]


async def check(counts: Counts, thieves: list[Program]) -> None:
    """Wait for the thieves: each item has been worked on once."""
    await join(*thieves)
    for item, count in enumerate(counts):
        done = await count.load()
        assert done == 1, f"item {item} is done {done} times"


async def mixed(queue: Queue, counts: Counts, thieves: int, attempts: int) -> None:
    """Push two and pop one, until all are pushed; then pop the other half."""
    children = await start(queue, counts, thieves, attempts)
    for item in range(0, len(counts), 2):
        await push(queue, item)
        await push(queue, item + 1)
        await work(counts, await pop(queue))
    for _ in range(len(counts) // 2):
        await work(counts, await pop(queue))
    await check(counts, children)


async def phased(queue: Queue, counts: Counts, thieves: int, attempts: int) -> None:
    """Push all, then pop all."""
    children = await start(queue, counts, thieves, attempts)
    for item in range(len(counts)):
        await push(queue, item)
    for _ in counts:
        await work(counts, await pop(queue))
    await check(counts, children)


def _queue(world: World, items: int, fixed: bool) -> tuple[Queue, Counts]:
    sizes = [SIZE]
    while sizes[-1] < 2 * items:
        sizes.append(2 * sizes[-1])
    empty: int | None = None
    arrays = tuple(tuple(world.variable(f"ring{size}[{i}]", empty) for i in range(size)) for size in sizes)
    head, tail, mask = world.variable("head", 0), world.variable("tail", 0), world.variable("mask", SIZE - 1)
    queue = Queue(head, tail, mask, arrays, world.lock("lock"), 1 if fixed else 0)
    counts = tuple(world.variable(f"done{i}", 0) for i in range(items))
    world.sometimes("the queue grows", grown, mask)
    return queue, counts


def grown(mask: int) -> bool:
    """Say whether the ring has been replaced by a larger one."""
    return mask >= SIZE


Even = Annotated[int, msgspec.Meta(ge=2, multiple_of=2)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


@scenario(
    cases=[
        case(expect="violated", violated=("main: AssertionError",), states=48_425, steps=63),
        case(fixed=True, expect="proved", states=47_613),
    ]
)
def work_steal_queue(
    items: Even = 4, thieves: Positive = 1, attempts: Positive = 2, fixed: bool = False
) -> World:
    """Is every item that is pushed done once?

    A thief moves the head before it has read the element, and so makes room: a push that comes in between may write the new
    item into the ring's place that the thief reads next. The old item is lost, the new one done twice. `fixed` has the push
    leave one place free. The suite's WorkStealQueue: the owner pushes two and pops one, in turns.
    """
    world = World()
    queue, counts = _queue(world, items, fixed)
    world.program(mixed, queue, counts, thieves, attempts, name="main")
    return world


@scenario(
    cases=[
        case(thieves=1, expect="violated", violated=("main: AssertionError",), states=63_443, steps=70),
        case(items=2, attempts=1, fixed=True, expect="proved", states=19_790),
    ]
)
def state_work_steal_queue(
    items: Even = 4, thieves: Positive = 2, attempts: Positive = 2, fixed: bool = False
) -> World:
    """Is every item that is pushed done once, with two thieves?

    The suite's StateWSQ: as `work_steal_queue`, but the owner pushes all items before it pops any, and two thieves steal. A
    thief that spins for the lock is one that waits for it.
    """
    world = World()
    queue, counts = _queue(world, items, fixed)
    world.program(phased, queue, counts, thieves, attempts, name="main")
    return world
