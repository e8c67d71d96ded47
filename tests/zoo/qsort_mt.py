"""Quicksort on a pool of threads that hand parts of an array to each other."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import msgspec
from condition_variable import ConditionVariable, condition_variable

from actors.runtime import (
    Cell,
    Device,
    Footprint,
    Lock,
    Outcome,
    Outcomes,
    Program,
    Read,
    Values,
    Variable,
    World,
    become,
    case,
    join,
    scenario,
    spawn,
)


class State(Enum):
    """What a thread of the pool is to do."""

    IDLE = "idle"
    WORK = "work"
    TERM = "term"


class Partition(msgspec.Struct, frozen=True):
    """Put what is smaller than the first element of a part before it; reply how many are before and behind."""

    low: int
    count: int


class Check(msgspec.Struct, frozen=True):
    """Reply whether the part is sorted."""

    low: int
    count: int


class Array(Device, frozen=True):
    """The array, a cell an element. Work on one part is one step: nobody else may look at that part meanwhile."""

    def cells(self, low: int, count: int) -> tuple[Cell, ...]:
        """The cells of a part."""
        return tuple(Cell(f"{self.name}[{i}]") for i in range(low, low + count))

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """The part."""
        del sender, read
        cells = self.cells(message.low, message.count)
        return Footprint(cells, () if isinstance(message, Check) else cells, self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Partition or look."""
        del sender
        cells = self.cells(message.low, message.count)
        found = [values[cell] for cell in cells]
        if isinstance(message, Check):
            return (Outcome(found == sorted(found)),)
        smaller = [value for value in found if value < found[0]]
        larger = [value for value in found if value > found[0]]
        after = (*smaller, found[0], *larger)
        return (Outcome((len(smaller), len(larger)), tuple(zip(cells, after, strict=True))),)

    def describe(self, message: Any) -> str:
        """`partition a[0:3]`."""
        part = f"{self.name}[{message.low}:{message.low + message.count}]"
        return f"{'check' if isinstance(message, Check) else 'partition'} {part}"


class Slot(msgspec.Struct, frozen=True):
    """One thread of the pool: what it is to do, and with which part of the array."""

    state: Variable[State]
    low: Variable[int]
    count: Variable[int]
    lock: Lock
    changed: ConditionVariable


class Pool(msgspec.Struct, frozen=True):
    """All threads, how many are idle, and the lock under which one is chosen."""

    slots: tuple[Slot, ...]
    idle: Variable[int]
    lock: Lock
    array: Array
    fixed: bool


async def allocate(pool: Pool) -> Slot | None:
    """Return an idle thread, set to work and locked, or None."""
    await pool.lock.acquire()
    for slot in pool.slots:
        if await slot.state.load() is State.IDLE:
            await pool.idle.store(await pool.idle.load() - 1)
            if pool.fixed:
                await slot.lock.acquire()
            await slot.state.store(State.WORK)
            if not pool.fixed:
                await slot.lock.acquire()
            await pool.lock.release()
            return slot
    await pool.lock.release()
    return None


async def sort(pool: Pool, slot: Slot) -> None:
    """Sort the part that the slot names: hand the left half to an idle thread, if there is one."""
    low, count = await slot.low.load(), await slot.count.load()
    while count > 1:
        left, right = await pool.array.send(Partition(low, count))
        other = await allocate(pool) if left and right else None
        if other is not None:
            await other.low.store(low)
            await other.count.store(left)
            await other.changed.signal()
            await other.lock.release()
        elif left:
            await slot.low.store(low)
            await slot.count.store(left)
            await sort(pool, slot)
        low, count = low + left + 1, right


async def worker(pool: Pool, slot: Slot) -> Any:
    """Wait for work and do it; the one that finds all idle ends all."""
    await slot.lock.acquire()
    while await slot.state.load() is State.IDLE:
        await slot.changed.wait(slot.lock)
    await slot.lock.release()
    if await slot.state.load() is State.TERM:
        return None
    await sort(pool, slot)
    await pool.lock.acquire()
    await slot.state.store(State.IDLE)
    idle = await pool.idle.load() + 1
    await pool.idle.store(idle)
    if idle == len(pool.slots):
        for other in pool.slots:
            if other != slot:
                await other.lock.acquire()
                await other.state.store(State.TERM)
                await other.changed.signal()
                await other.lock.release()
        await pool.lock.release()
        return None
    await pool.lock.release()
    return become(worker, pool, slot)


async def main(pool: Pool, elements: int) -> None:
    """Start the threads, give the whole array to the first one, and wait for all."""
    workers = [await spawn(worker, pool, slot, name=f"worker{i}") for i, slot in enumerate(pool.slots)]
    first = pool.slots[0]
    await first.lock.acquire()
    await first.low.store(0)
    await first.count.store(elements)
    await first.state.store(State.WORK)
    await pool.idle.store(await pool.idle.load() - 1)
    await first.changed.signal()
    await first.lock.release()
    await join(*workers)
    assert await pool.array.send(Check(0, elements)), "the array is not sorted"


def balanced(values: Sequence[int]) -> tuple[int, ...]:
    """Order values so that each partition halves its part."""
    if not values:
        return ()
    middle = len(values) // 2
    return (values[middle], *balanced(values[:middle]), *balanced(values[middle + 1 :]))


@scenario(
    cases=[
        case(elements=5, expect="violated", violated=("main: AssertionError",), states=1_395, steps=60),
        case(elements=7, expect="violated", violated=("main: AssertionError",), states=2_449, steps=64),
        case(elements=7, fixed=True, expect="proved", states=2_401),
        case(elements=7, threads=3, fixed=True, expect="proved", states=55_589),
    ]
)
def qsort_mt(
    elements: Annotated[int, msgspec.Meta(ge=3)] = 7,
    threads: Annotated[int, msgspec.Meta(ge=2)] = 2,
    fixed: bool = False,
) -> World:
    """Can a thread of the pool start to work before it knows on what?

    A thread that hands work to another one sets the other's state to "work", takes the other's lock, and then writes which
    part of the array is meant. The state is read under that lock, but not written under it: a thread that looks for the first
    time in between starts with what stood there before, and the part is never sorted. `fixed` takes the lock first.
    """
    world = World()
    array = Array("a")
    for cell, value in zip(array.cells(0, elements), balanced(range(elements)), strict=True):
        world.cell(cell, value)
    slots = tuple(
        Slot(
            world.variable(f"state{i}", State.IDLE),
            world.variable(f"low{i}", 0),
            world.variable(f"count{i}", 0),
            world.lock(f"lock{i}"),
            condition_variable(world, f"changed{i}"),
        )
        for i in range(threads)
    )
    pool = Pool(slots, world.variable("idle", threads), world.lock("pool"), array, fixed)
    world.program(main, pool, elements)
    world.sometimes("the second thread gets work", is_working, slots[1].state)
    return world


def is_working(state: State) -> bool:
    """Say whether the thread has been told to work."""
    return state is State.WORK
