"""Worlds drawn by Hypothesis: programs over two variables, a lock and a mailbox, with choices, children and background programs.

They pass on what they read. A program is a tuple of operations, which is a value, and `interpret` carries it out. Parts of
it are routines, which return what they have read, forget it, raise it, or go round and read again.
"""

from hypothesis import strategies as st

from actors.runtime import World, become, join, routine, set_label, spawn


class Odd(Exception):
    """What a routine raises that has read something it does not like."""


@routine
async def called(operations, shared, seen, ends, rounds=2):
    """Carry out operations as a routine that ends like that."""
    seen = await interpret(operations, shared, seen)
    if ends == "raising" and seen > 1:
        raise Odd(seen)
    if ends == "going round" and rounds:
        await shared[0][1].load()
        return become(called, operations, shared, 1, ends, rounds - 1)
    return None if ends == "forgetting" else seen


async def not_called(operations, shared, seen, ends):
    """Do the same without a routine."""
    for left in range(2 if ends == "going round" else 0, -1, -1):
        seen = await interpret(operations, shared, seen)
        if ends == "raising" and seen > 1:
            raise Odd(seen)
        if left:
            await shared[0][1].load()
            seen = 1
    return None if ends == "forgetting" else seen


async def interpret(operations, shared, seen=0):  # noqa: C901, PLR0912  # a case an operation
    """Carry out operations, each of which may use the number that the last one replied."""
    variables, lock, box, choice = shared
    children = []
    for place, (name, *operands) in enumerate(operations):
        match name:
            case "load":
                seen = await variables[operands[0]].load()
            case "store":
                await variables[operands[0]].store((seen + operands[1]) % 4)
            case "add":
                seen = await variables[operands[0]].fetch_add(1)
            case "locked":
                async with lock:
                    await interpret(operands[0], shared, seen)
            case "put":
                await box.put(seen)
            case "get":
                seen = await box.get()
            case "choose":
                seen = await choice.choose(1, 2, 3)
            case "label":
                set_label("seen", seen)
            case "expect":
                assert seen <= operands[0]
            case "spawn":
                children.append(await spawn(interpret, operands[0], shared, seen, background=operands[1]))
            case "call" | "do":
                function = called if name == "call" else not_called
                try:
                    seen = await function(operands[0], shared, seen, ends=operands[1]) or 0
                except Odd as error:
                    seen = error.args[0] + 1
            case "join":
                await join(*children)
            case "become":
                await variables[0].load()
                return become(without_children, operations[place + 1 :], shared, seen)
    return seen


async def without_children(operations, shared, seen):
    """Go on behind a `become`, where a spawn would need a name."""
    rest = tuple(one for one in operations if one[0] != "spawn")
    return await interpret(rest, shared, seen)


which = st.integers(0, 1)
simple = st.one_of(
    st.tuples(st.just("load"), which),
    st.tuples(st.just("store"), which, which),
    st.tuples(st.just("add"), which),
    st.tuples(st.sampled_from(["put", "get", "choose", "label"])),
    st.tuples(st.just("expect"), st.integers(2, 5)),
)
block = st.lists(simple, max_size=3).map(tuple)
operation = st.one_of(
    simple,
    simple,
    st.tuples(st.just("locked"), block),
    st.tuples(st.just("call"), block, st.sampled_from(["returning", "forgetting", "raising", "going round"])),
    st.tuples(st.just("spawn"), block, st.booleans()),
    st.tuples(st.sampled_from(["join", "become"])),
)
programs = st.lists(
    st.tuples(st.lists(operation, max_size=5).map(tuple), st.booleans()), min_size=1, max_size=3
)


def build(drawn):
    world = World()
    variables = tuple(world.variable(name, 0) for name in ("x", "y"))
    shared = (variables, world.lock("l"), world.mailbox("m", 2), world.choice())
    made = [
        world.program(interpret, operations, shared, name=f"p{number}", background=background)
        for number, (operations, background) in enumerate(drawn)
    ]
    world.always("x stays small", lambda x: x < 6, variables[0])
    labels = [one.label("seen") for one in made]
    world.sometimes("somebody has seen 2", lambda *seen: 2 in seen, *labels)
    world.sometimes("somebody sees what y holds", lambda y, *seen: y in seen, variables[1], *labels)
    return world
