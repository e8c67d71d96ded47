"""An outside oracle: the same small worlds searched as plain tuples, by code that shares nothing with vmrace's.

A world here is variables, two locks and programs, which are tuples of operations. The tuple search below gives it
a meaning of its own; `carry_out` gives it the one of the runtime. A program's local state is the replies it has had.
"""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.explore.proving.search import Search
from actors.explore.proving.small import search_small
from actors.explore.tables.tables import Tables
from actors.runtime import World

operation = st.one_of(
    st.tuples(st.just("load"), st.integers(0, 1)),
    st.tuples(st.just("store"), st.integers(0, 1), st.integers(0, 2)),
    st.tuples(st.just("add"), st.integers(0, 1)),
    st.tuples(st.just("lock"), st.integers(0, 1)),
    st.tuples(st.just("unlock"), st.integers(0, 1)),
    st.tuples(st.just("choose")),
    st.tuples(st.just("expect"), st.integers(0, 3)),
)
worlds = st.lists(
    st.tuples(st.lists(operation, max_size=5).map(tuple), st.booleans()), min_size=1, max_size=3
).filter(lambda drawn: not all(background for _, background in drawn))


# The runtime's meaning.


async def carry_out(operations, variables, locks, choice):
    last = 0
    for name, *operands in operations:
        match name:
            case "load":
                last = await variables[operands[0]].load()
            case "store":
                await variables[operands[0]].store((last + operands[1]) % 4)
            case "add":
                last = await variables[operands[0]].fetch_add(1)
            case "lock":
                await locks[operands[0]].acquire()
            case "unlock":
                await locks[operands[0]].release()
            case "choose":
                last = await choice.choose(1, 2)
            case "expect":
                assert last <= operands[0]


def build(drawn):
    world = World()
    variables = tuple(world.variable(name, 0) for name in ("x", "y"))
    locks = tuple(world.lock(name) for name in ("l", "m"))
    for number, (operations, background) in enumerate(drawn):
        world.program(
            carry_out, operations, variables, locks, world.choice(), name=f"p{number}", background=background
        )
    world.always("x is small", lambda x: x < 3, variables[0])
    return world


# The tuples' meaning.

FREE = -1


def settle(operations, local):
    """Go past what takes no step: a local state is (replies, place, last, failed)."""
    replies, place, last, failed = local
    while place < len(operations) and operations[place][0] == "expect" and not failed:
        failed = last > operations[place][1]
        place += not failed
    return replies, place, last, failed


def outcomes(who, operation, last, x, owners):
    """Return (reply, last, x, owners) for each outcome; none if it has to wait; a string if it cannot be."""
    name, *operands = operation
    which = operands[0] if operands else 0
    match name:
        case "load":
            return [(x[which], x[which], x, owners)]
        case "store":
            return [(None, last, put(x, which, (last + operands[1]) % 4), owners)]
        case "add":
            return [(x[which], x[which], put(x, which, x[which] + 1), owners)]
        case "lock":
            return [(True, last, x, put(owners, which, who))] if owners[which] == FREE else []
        case "unlock":
            return [(None, last, x, put(owners, which, FREE))] if owners[which] == who else "raises"
        case _:
            return [(value, value, x, owners) for value in (1, 2)]


def put(values, place, value):
    return (*values[:place], value, *values[place + 1 :])


def following(programs, state):
    """Return the states behind each step that can be taken, in any order."""
    x, owners, locals_ = state
    for number, operations in enumerate(programs):
        replies, place, last, _ = locals_[number]
        if place == len(operations):
            continue
        found = outcomes(number, operations[place], last, x, owners)
        if found == "raises":
            yield x, owners, put(locals_, number, ((*replies, "raised"), place, last, True))
            continue
        for reply, last1, x1, owners1 in found:
            local = settle(operations, ((*replies, reply), place + 1, last1, False))
            yield x1, owners1, put(locals_, number, local)


def search(drawn):
    """Return states, transitions, and the length of a shortest violating execution or None; level by level."""
    programs = [operations for operations, _ in drawn]
    required = [number for number, (_, background) in enumerate(drawn) if not background]
    first = ((0, 0), (FREE, FREE), tuple(settle(operations, ((), 0, 0, False)) for operations in programs))
    seen, level, transitions, depth = {first}, [first], 0, 0
    while level:
        if any(x[0] >= 3 or any(local[3] for local in locals_) for x, _, locals_ in level):
            return len(seen), transitions, depth
        after, stuck = [], False
        for state in level:
            if all(state[2][number][1] == len(programs[number]) for number in required):
                continue
            found = list(following(programs, state))
            stuck = stuck or not found
            transitions += len(found)
            after += [one for one in dict.fromkeys(found) if one not in seen]
            seen.update(found)
        if stuck:
            return len(seen), transitions, depth
        level, depth = after, depth + 1
    return len(seen), transitions, None


@settings(deadline=None, max_examples=150)
@example([((("lock", 0), ("unlock", 1)), False), ((("lock", 0),), False)])
@given(worlds)
def test_the_tuples_agree(drawn):
    states, transitions, shortest = search(drawn)
    with Tables(build(drawn)) as tables:
        small = search_small(tables, most=20_000)
    with Tables(build(drawn)) as tables:
        large = Search(tables).run()
    for found in (small, large):
        assert (len(found.log) if found.log is not None else None) == shortest
        assert (found.states, found.transitions) == (states, transitions)
