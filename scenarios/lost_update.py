"""Two threads increment one counter."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Variable, World, case, scenario, set_label


async def increment(counter: Variable[int], lock: Lock | None) -> None:
    """Add one by a load and a store, under the lock if there is one."""
    if lock is not None:
        await lock.acquire()
    seen = await counter.load()
    set_label("between", value=True)
    await counter.store(seen + 1)
    set_label("between", value=False)
    if lock is not None:
        await lock.release()


async def check(counter: Variable[int], done: tuple[Variable[bool], ...]) -> None:
    """Wait for everybody, then count."""
    for one in done:
        await one.wait_for(True)
    total = await counter.load()
    assert total == len(done), f"{len(done)} increments, and the counter is {total}"


async def worker(counter: Variable[int], lock: Lock | None, done: Variable[bool]) -> None:
    """Increment once and say so."""
    await increment(counter, lock)
    await done.store(True)


def somebody_between(*between: bool | None) -> bool:
    """Say whether a thread stands between its load and its store."""
    return any(between)


@scenario(
    cases=[
        case(n=2, locked=False, expect="violated", violated=("check: AssertionError",)),
        case(n=3, locked=False, expect="violated", violated=("check: AssertionError",)),
        case(n=2, locked=True, expect="proved"),
    ]
)
def lost_update(n: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2, locked: bool = False) -> World:
    """Can increments of one counter get lost?

    Each of n threads adds one with a load and a store. Two that both load before either stores write the same number, and
    one increment is lost; with `locked` the pair is under a lock and none is. Nothing in here is a CPU.
    """
    world = World()
    counter = world.variable("counter", 0)
    lock = world.lock("lock") if locked else None
    done = tuple(world.variable(f"done{i}", False) for i in range(n))
    workers = [world.program(worker, counter, lock, one, name=f"worker{i}") for i, one in enumerate(done)]
    world.program(check, counter, done)
    world.sometimes(
        "a thread stands between its load and its store", somebody_between, *(w.label("between") for w in workers)
    )
    return world
