"""One order among many: a read that has to fall between two given writes."""

from typing import Annotated

import msgspec

from actors.runtime import Label, Variable, World, case, join, scenario, set_label, spawn


async def writer(y: Variable[int], writes: int, fixed: bool) -> None:
    """Count up, one write a number; fixed: leave out the one in the middle."""
    for value in range(1, writes + 1):
        if not (fixed and value == writes // 2):
            await y.store(value)
        set_label("window", value == writes // 2)


async def reader(y: Variable[int], bad: int) -> None:
    """Read once."""
    assert await y.load() != bad, "found"


async def main(y: Variable[int], writes: int, fixed: bool) -> None:
    """Start both and wait for them."""
    one = await spawn(writer, y, writes, fixed, name="writer")
    other = await spawn(reader, y, writes // 2, name="reader")
    await join(one, other)


@scenario(
    cases=[
        case(n=20, expect="violated", violated=("main.reader: AssertionError",), states=92, steps=13),
        case(n=100, expect="violated", violated=("main.reader: AssertionError",), states=1_432, steps=53),
        case(n=20, fixed=True, expect="proved", states=271),
    ]
)
def needle(n: Annotated[int, msgspec.Meta(ge=2)] = 20, fixed: bool = False) -> World:
    """Does the one read fall into the one window?

    A writer makes n writes; a reader reads once, and fails if it reads what the middle one wrote. Of the n+1 classes of
    executions one is bad. The label `window` of the writer marks it.
    """
    world = World()
    y = world.variable("y", 0)
    world.program(main, y, n, fixed)
    world.sometimes("the window is open", bool, Label("main.writer", "window"))
    return world
