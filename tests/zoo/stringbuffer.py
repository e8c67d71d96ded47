"""A synchronised string buffer whose length and characters are asked for separately."""

import msgspec

from actors.runtime import Label, Lock, Variable, World, case, scenario, set_label, spawn

TEXT = "abc"


class Buffer(msgspec.Struct, frozen=True):
    """A string buffer: the characters, how many of them count, and the lock of all methods."""

    lock: Lock
    value: Variable[str]
    count: Variable[int]


async def length(buffer: Buffer) -> int:
    """Return how many characters there are."""
    await buffer.lock.acquire()
    count = await buffer.count.load()
    await buffer.lock.release()
    return count


async def get_chars(buffer: Buffer, end: int) -> str:
    """Return the first `end` characters, which have to be there."""
    await buffer.lock.acquire()
    text = await _chars(buffer, end)
    await buffer.lock.release()
    return text


async def _chars(buffer: Buffer, end: int) -> str:
    count = await buffer.count.load()
    assert end <= count, f"there are {count} characters, not {end}"
    return (await buffer.value.load())[:end]


async def append_buffer(buffer: Buffer, other: Buffer, fixed: bool) -> None:
    """Append all of another buffer: its length first, then so many characters."""
    await buffer.lock.acquire()
    if fixed:
        await other.lock.acquire()
        text = await _chars(other, await other.count.load())
        await other.lock.release()
    else:
        text = await get_chars(other, await length(other))
    await _add(buffer, text)
    await buffer.lock.release()


async def append(buffer: Buffer, text: str) -> None:
    """Append a string."""
    await buffer.lock.acquire()
    await _add(buffer, text)
    await buffer.lock.release()


async def _add(buffer: Buffer, text: str) -> None:
    count = await buffer.count.load()
    await buffer.value.store((await buffer.value.load())[:count] + text)
    await buffer.count.store(count + len(text))


async def erase(buffer: Buffer, start: int, end: int) -> None:
    """Take out the characters from `start` to `end`, or to the last one."""
    await buffer.lock.acquire()
    count = await buffer.count.load()
    end = min(end, count)
    if end > start:
        text = await buffer.value.load()
        await buffer.value.store(text[:start] + text[end:])
        await buffer.count.store(count - (end - start))
    await buffer.lock.release()


async def eraser(buffer: Buffer) -> None:
    """Empty the shared buffer and fill it again."""
    await erase(buffer, 0, len(TEXT))
    set_label("emptied")
    await append(buffer, TEXT)


async def main(shared: Buffer, own: Buffer, fixed: bool) -> None:
    """Start the eraser and append the shared buffer to an own one; the process then ends."""
    await spawn(eraser, shared, name="eraser", background=True)
    await append_buffer(own, shared, fixed)
    copied = await own.value.load()
    assert copied in ("", TEXT), f"{copied!r} is half a text"


def _buffer(world: World, name: str, text: str) -> Buffer:
    return Buffer(
        world.lock(f"{name}.lock"),
        world.variable(f"{name}.value", text),
        world.variable(f"{name}.count", len(text)),
    )


@scenario(
    cases=[
        case(expect="violated", violated=("main: AssertionError",), states=64, steps=13),
        case(fixed=True, expect="proved", states=179),
    ]
)
def stringbuffer(fixed: bool = False) -> World:
    """Can a buffer that is appended shrink between two of its own synchronised methods?

    Java 1.4's StringBuffer.append(StringBuffer) asks the other buffer for its length and then for so many characters. Each
    takes the other's lock, and gives it back: an erase() in between leaves fewer characters than are asked for. `fixed`
    holds the other's lock for both.
    """
    world = World()
    world.program(main, _buffer(world, "shared", TEXT), _buffer(world, "own", ""), fixed)
    world.sometimes("the shared buffer is empty", bool, Label("main.eraser", "emptied"))
    return world
