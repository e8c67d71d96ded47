"""Two threads increment one counter."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Variable, World, case, scenario, set_label

COUNTED = "every increment counts"
SYMPTOM = (COUNTED,)


async def worker(counter: Variable[int], lock: Lock | None, done: Variable[bool]) -> None:
    """Add one by a load and a store, under the lock if there is one, and say so."""
    if lock is not None:
        await lock.acquire()
    seen = await counter.load()
    set_label("between", value=True)
    await counter.store(seen + 1)
    set_label("between", value=False)
    if lock is not None:
        await lock.release()
    await done.store(True)


def is_number_of_done(counter: int, *done: bool) -> bool:
    """Say whether the counter is the number of threads that are done."""
    return counter == len(done)


def all_done(counter: int, *done: bool) -> bool:
    """Say whether every thread has finished."""
    del counter
    return all(done)


def somebody_between(*between: bool | None) -> bool:
    """Say whether a thread stands between its load and its store."""
    return any(between)


@scenario(
    cases=[
        case(n=2, locked=False, expect="violated", violated=SYMPTOM, states=28, steps=6),
        case(n=3, locked=False, expect="violated", violated=SYMPTOM, states=322, steps=9),
        case(n=2, locked=True, expect="proved", states=31),
    ]
)
def lost_update(n: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2, locked: bool = False) -> World:
    """Can an increment of a shared counter get lost?

    Each of n threads adds one with a load and a store. Two that both load before either stores write the same number, and
    one increment is lost; with `locked` the pair is under a lock, and none is. Nothing in here is a CPU.
    """
    world = World()
    counter = world.variable("counter", 0)
    lock = world.lock("lock") if locked else None
    done = tuple(world.variable(f"done{i}", False) for i in range(n))
    workers = [world.program(worker, counter, lock, one, name=f"worker{i}") for i, one in enumerate(done)]
    world.always(COUNTED, is_number_of_done, counter, *done, at=all_done)
    between = (program.label("between") for program in workers)
    world.sometimes("a thread stands between its load and its store", somebody_between, *between)
    return world
