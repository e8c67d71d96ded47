"""Setters write two variables, one after the other, and a checker reads both."""

from typing import Annotated

import msgspec

from actors.runtime import Label, Lock, Variable, World, case, join, scenario, set_label, spawn

BOTH = (1, -1)
NEITHER = (0, 0)


async def setter(a: Variable[int], b: Variable[int], lock: Lock | None) -> None:
    """Write a, then b."""
    if lock is not None:
        await lock.acquire()
    await a.store(1)
    await b.store(-1)
    if lock is not None:
        await lock.release()


async def checker(a: Variable[int], b: Variable[int], lock: Lock | None) -> None:
    """Read a, then b: both have been written, or neither."""
    if lock is not None:
        await lock.acquire()
    seen = (await a.load(), await b.load())
    if lock is not None:
        await lock.release()
    set_label("seen", seen)
    assert seen in (NEITHER, BOTH), "one of the two is written"


async def main(a: Variable[int], b: Variable[int], lock: Lock | None, setters: int) -> None:
    """Start the setters, the checker last, and wait for all."""
    children = [await spawn(setter, a, b, lock, name=f"setter{i}") for i in range(setters)]
    children.append(await spawn(checker, a, b, lock, name="checker"))
    await join(*children)


@scenario(
    cases=[
        case(n=3, expect="violated", violated=("main.checker: AssertionError",), states=37, steps=6),
        case(n=4, expect="violated", violated=("main.checker: AssertionError",), states=79, steps=7),
        case(n=5, expect="violated", violated=("main.checker: AssertionError",), states=158, steps=8),
        case(n=10, expect="violated", violated=("main.checker: AssertionError",), states=3_707, steps=13),
        case(n=4, fixed=True, expect="proved", states=214),
    ]
)
def reorder(n: Annotated[int, msgspec.Meta(ge=2)] = 3, fixed: bool = False) -> World:
    """Can the checker see one variable written and the other not?

    Of n threads, n-1 set a and then b; the last one to be started reads a and then b. It fails if it reads a before, and b
    after, some setter's store, or if it comes between the two stores of the first setter. It is the last one to start, so a
    schedule has to keep every setter away from b (or a) until then: with many of them, that is rare. `fixed` puts each pair
    under one lock.
    """
    world = World()
    a, b = world.variable("a", 0), world.variable("b", 0)
    world.program(main, a, b, world.lock("lock") if fixed else None, n - 1)
    seen = Label("main.checker", "seen")
    world.sometimes("the checker sees both", saw_both, seen)
    world.sometimes("the checker sees neither", saw_neither, seen)
    return world


def saw_both(seen: tuple[int, int] | None) -> bool:
    """Say whether both were written."""
    return seen == BOTH


def saw_neither(seen: tuple[int, int] | None) -> bool:
    """Say whether neither was."""
    return seen == NEITHER
