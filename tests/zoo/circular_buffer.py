"""A log buffer between two threads that take turns by flags."""

from typing import Annotated

import msgspec

from actors.runtime import Lock, Variable, World, case, join, scenario, spawn

SIZE = 10
ERROR = -1


class Buffer(msgspec.Struct, frozen=True):
    """The elements, where the next is read and written, the last value sent, whose turn it is, and the lock."""

    elements: tuple[Variable[int], ...]
    first: Variable[int]
    next: Variable[int]
    last: Variable[int]
    send: Variable[bool]
    receive: Variable[bool]
    lock: Lock


async def insert(buffer: Buffer, value: int) -> None:
    """Append one."""
    place = await buffer.next.load()
    await buffer.elements[place].store(value)
    await buffer.next.store((place + 1) % SIZE)


async def remove(buffer: Buffer) -> int:
    """Take the first one, if there is one."""
    if await buffer.next.load() == 0:
        return ERROR
    place = await buffer.first.load()
    if place >= SIZE:
        return ERROR
    await buffer.first.store(place + 1)
    return await buffer.elements[place].load()


async def sender(buffer: Buffer, turns: int) -> None:
    """Send the number of each turn, if it is this thread's."""
    for turn in range(turns):
        await buffer.lock.acquire()
        if await buffer.send.load():
            await insert(buffer, turn)
            await buffer.last.store(turn)
            await buffer.send.store(False)
            await buffer.receive.store(True)
        await buffer.lock.release()


async def receiver(buffer: Buffer, turns: int, fixed: bool) -> None:
    """Receive in each turn, if it is this thread's, the number of the turn (fixed: what was sent last)."""
    for turn in range(turns):
        await buffer.lock.acquire()
        if await buffer.receive.load():
            value = await remove(buffer)
            expected = await buffer.last.load() if fixed else turn
            assert value == expected, f"{value} comes out, not {expected}"
            await buffer.receive.store(False)
            await buffer.send.store(True)
        await buffer.lock.release()


async def main(buffer: Buffer, turns: int, fixed: bool) -> None:
    """Start both and wait for them."""
    first = await spawn(sender, buffer, turns, name="sender")
    second = await spawn(receiver, buffer, turns, fixed, name="receiver")
    await join(first, second)


@scenario(
    cases=[
        case(n=2, expect="violated", violated=("main.receiver: AssertionError",), states=81, steps=20),
        case(n=7, expect="violated", violated=("main.receiver: AssertionError",), states=133, steps=20),
        case(n=3, fixed=True, expect="proved", states=495),
    ]
)
def circular_buffer(n: Annotated[int, msgspec.Meta(ge=2, le=SIZE)] = 7, fixed: bool = False) -> World:
    """Does what is received in a turn bear the turn's number?

    All accesses are under one lock, and the two take turns. But each has n turns, counts a turn that it misses, and expects
    the other to count alike. `fixed` compares with what was sent last.
    """
    world = World()
    buffer = Buffer(
        tuple(world.variable(f"element{i}", 0) for i in range(SIZE)),
        world.variable("first", 0),
        world.variable("next", 0),
        world.variable("last", 0),
        world.variable("send", True),
        world.variable("receive", False),
        world.lock("lock"),
    )
    world.program(main, buffer, n, fixed)
    world.sometimes("one comes out", bool, buffer.first)
    return world
