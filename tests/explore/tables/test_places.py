"""What a program forgets: the states that are one, those that are not, and that forgetting loses nothing."""

from contextlib import suppress

import pytest
from hypothesis import assume

from actors.explore.tables.tables import Tables
from actors.runtime import World, become, routine, set_label
from actors.runtime.errors import Nondeterminism, NotAValue
from actors.runtime.program import current
from actors.runtime.values import typed
from tests.drawn import both
from tests.runtime.generated import build, programs

MOST = 3_000


def reached(world):
    """Return all states, each as the cells' values and each program's message, labels and failure; and how many rows they are."""
    with Tables(world) as tables:
        start = tables.initial()
        seen, waiting = {start}, [start]
        while waiting:
            row = tables.layout.padded(waiting.pop())
            if any(tables.failures(row)) or tables.finished(row):
                continue
            for _, _, moves in tables.options(row):
                for move in moves:
                    after = tables.layout.padded(tables.after(row, move))
                    if after not in seen:
                        seen.add(after)
                        waiting.append(after)
            assume(len(seen) < MOST)
        rows = {tables.layout.padded(row) for row in seen}
        tables.check()
        return {as_seen(tables.layout, row) for row in rows}, len(rows)


def as_seen(layout, row):
    cells = tuple((cell.name, typed(layout.value(row, cell))) for cell in layout.cells)
    programs = []
    for (name, _), column in layout.programs.items():
        node = layout.node(row, column)
        if node is not None:
            failure = node.failure and (node.failure.type, node.failure.text)
            labels = tuple(sorted((key, typed(value)) for key, value in node.labels.items()))
            programs.append((name, node.pending and typed(node.pending.message), labels, failure))
    return tuple(sorted(cells)), tuple(sorted(programs, key=lambda one: one[0]))


def without_routines(operations):
    return tuple(
        tuple(
            without_routines(part) if type(part) is tuple else "do" if (place, part) == (0, "call") else part
            for place, part in enumerate(operation)
        )
        for operation in operations
    )


def has_routine(drawn):
    return "'call'" in repr(drawn)


@both(40, 150, programs.filter(has_routine))
def test_forgetting_loses_no_state_that_anybody_could_tell(drawn):
    plain = [(without_routines(operations), background) for operations, background in drawn]
    assert not has_routine(plain)
    remembered, most = reached(build(plain))
    forgotten, fewer = reached(build(drawn))
    assert forgotten == remembered
    assert fewer <= most


def nodes(program, *args, check=True):
    """Return how many states a program has had in a world with a variable, and a choice of three replies."""
    world = World()
    x, choice = world.variable("x", 0), world.choice()
    handle = world.program(program, x, choice, *args, name="p")
    with Tables(world) as tables:
        waiting, seen = [tables.initial()], set()
        while waiting:
            row = waiting.pop()
            if row in seen:
                continue
            seen.add(row)
            waiting += [tables.after(row, move) for _, _, moves in tables.options(row) for move in moves]
        if check:
            tables.check()
        return len(tables.layout.histories[tables.layout.programs[handle.name, False]].nodes) - 1


@routine
async def looks(choice):
    await choice.choose(1, 2, 3)


@routine
async def returns(choice):
    return await choice.choose(1, 2, 3)


@routine
async def labels(choice):
    set_label("seen", await choice.choose(1, 2, 3))


@routine
async def raises(choice):
    raise KeyError(await choice.choose(1, 2, 3))


@routine
async def retries(choice):
    if await choice.choose(1, 2, 3) != 3:
        return become(retries, choice)
    return None


@routine
async def marks_and_retries(choice):
    found = await choice.choose(1, 2, 3)
    set_label("seen", found)
    if found != 3:
        return become(retries, choice)
    return None


@routine
async def in_another(choice):
    await returns(choice)


@routine
async def in_a_loop(choice):
    for _ in range(3):
        await looks(choice)


@routine
async def by_name(choice, *, also=0):
    return also + await choice.choose(1, 1, 1)


async def once(x, choice, what):
    with suppress(KeyError):
        await what(choice)
    await x.store(1)


@pytest.mark.parametrize(
    ("what", "count"),
    [
        (looks, 1 + 1 + 1),
        (returns, 1 + 3 + 3),
        (labels, 1 + 3 + 3),
        (raises, 1 + 3 + 3),
        (retries, 1 + 1 + 1),
        (marks_and_retries, 1 + 2 + 3 + 3),
        (in_another, 1 + 1 + 1),
        (in_a_loop, 3 + 1 + 1),
        (by_name, 1 + 1 + 1),
    ],
)
def test_states_are_told_apart_by_what_a_routine_leaves_behind(what, count):
    assert nodes(once, what) == count


async def same_name(x, choice):
    if await by_name(choice, also=1) == 2:
        await by_name(choice, also=2)
    await x.store(1)


def test_a_routine_called_with_other_arguments_is_in_another_state():
    assert nodes(same_name) == 4


@routine
async def remembers(choice):
    current().memory = await choice.choose(1, 2, 3)  # where no program has any business


async def uses_it_at_once(x, choice):
    await remembers(choice)
    await x.store(current().memory)


async def uses_it_later(x, choice):
    await remembers(choice)
    await x.load()
    await x.store(current().memory)


@pytest.mark.parametrize(("program", "check"), [(uses_it_at_once, False), (uses_it_later, True)])
def test_a_program_that_remembers_more_than_was_returned_is_found_out(program, check):
    with pytest.raises(
        Nondeterminism, match="program p remembers more of a routine than what it returned: once"
    ):
        nodes(program, check=check)


@routine
async def returns_a_list(choice):
    return [await choice.choose(1, 2, 3)]


def test_what_is_returned_is_a_value():
    with pytest.raises(
        NotAValue, match=r"test_places\.py:\d+: what returns_a_list returns in p: list is not a value"
    ):
        nodes(once, returns_a_list)


async def again(x, choice):
    await in_another(choice)
    return become(again, x, choice)


def test_a_program_begins_in_one_state_whether_started_or_become():
    assert nodes(again) == 1
