"""A stack, and a flag that says that there was something on it once."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Variable, World, case, join, scenario, spawn


class Stack(msgspec.Struct, frozen=True):
    """The elements, how many there are, whether one was ever pushed, and the lock of all."""

    elements: tuple[Variable[int], ...]
    top: Variable[int]
    pushed: Variable[bool]
    lock: Lock


async def pusher(stack: Stack) -> None:
    """Fill the stack."""
    for value in range(len(stack.elements)):
        await stack.lock.acquire()
        top = await stack.top.load()
        assert top < len(stack.elements), "overflow"
        await stack.elements[top].store(value)
        await stack.top.store(top + 1)
        await stack.pushed.store(True)
        await stack.lock.release()


async def popper(stack: Stack, fixed: bool) -> None:
    """Pop as often as there are pushes, wherever the flag says that one may (fixed: where there is something)."""
    for _ in range(len(stack.elements)):
        await stack.lock.acquire()
        if await stack.top.load() > 0 if fixed else await stack.pushed.load():
            top = await stack.top.load()
            assert top > 0, "underflow"
            await stack.top.store(top - 1)
            await stack.elements[top - 1].load()
        await stack.lock.release()


async def main(stack: Stack, fixed: bool) -> None:
    """Start both and wait for them."""
    first = await spawn(pusher, stack, name="pusher")
    second = await spawn(popper, stack, fixed, name="popper")
    await join(first, second)


@scenario(
    cases=[
        case(n=2, expect="violated", violated=("main.popper: AssertionError",), states=75, steps=17),
        case(n=10, expect="violated", violated=("main.popper: AssertionError",), states=103, steps=17),
        case(n=3, fixed=True, expect="proved", states=425),
    ]
)
def stack(n: Annotated[int, msgspec.Meta(ge=2)] = 10, fixed: bool = False) -> World:
    """Can more be popped than was pushed?

    All accesses are under one lock. The flag that allows a pop is set by the first push and never cleared, so two pops after
    one push find nothing there. `fixed` asks how many there are.
    """
    world = World()
    shared = Stack(
        tuple(world.variable(f"element{i}", 0) for i in range(n)),
        world.variable("top", 0),
        world.variable("pushed", False),
        world.lock("lock"),
    )
    world.program(main, shared, fixed)
    world.sometimes("something is on the stack", bool, shared.top)
    return world
