"""CPUs that go their own ways cost about the sum of what each costs, and not the product."""

import pytest

from actors.explore.proving.search import Search
from actors.explore.reduction.futures import Futures
from actors.explore.reduction.reduced import search_reduced
from actors.explore.tables.tables import Tables
from actors.runtime import World, become


async def handle(err, budget):
    """Take interrupts until the budget is spent; each sets a bit, and clears it again."""
    await err.store(1)
    if await err.load():
        await err.store(0)
    return become(handle, err, budget - 1) if budget > 1 else None


async def watch(err, seen):
    """Look at the bit twice, and forget what was seen: what each CPU can end in multiplies."""
    await seen.store(await err.load())
    await seen.store(await err.load())
    return become(rest, seen)


async def rest(seen):
    """Leave no trace."""
    await seen.store(0)


def clear(err, seen):
    return err < 2 and seen < 2


def cpus(many):
    """Return a world of so many CPUs, each with an interrupt source, a task, cells, a budget and a condition of its own."""
    world = World()
    for cpu in range(many):
        err, seen = world.variable(f"err{cpu}", 0), world.variable(f"seen{cpu}", 0)
        world.program(handle, err, 3, name=f"irq{cpu}")
        world.program(watch, err, seen, name=f"task{cpu}")
        world.always(f"CPU {cpu} reads 0 or 1", clear, err, seen)
    return world


def stored(many, *, reduce):
    with Tables(cpus(many)) as tables:
        found = search_reduced(tables) if reduce else Search(tables).run()
    assert (found.violated, found.limit) == (frozenset(), None)
    return found.visited if reduce else found.states


@pytest.mark.parametrize("many", [2, 3, 4])
def test_each_cpu_adds_what_it_costs_alone(many):
    one = stored(1, reduce=True)
    assert stored(many, reduce=True) <= many * one


def test_without_reduction_each_multiplies():
    one = stored(1, reduce=False)
    assert stored(2, reduce=False) == one**2


async def roam(here, errs):
    """Run wherever it is, two times; each time something is left behind on that CPU."""
    for _ in range(2):
        await errs[await here.load()].store(2)


async def move(here, to):
    """Move it, once."""
    await here.store(to)


async def look(err, seen):
    """Take an interrupt, which finds nothing that the one who roams has left, and go on to something else."""
    assert await err.load() < 2, "somebody was here"
    await seen.store(1)


def moving(many, to):
    """Return a world of so many CPUs: a task may be moved from the first one to another, where an interrupt would find it."""
    world = World()
    errs = tuple(world.variable(f"err{cpu}", 0) for cpu in range(many))
    here = world.variable("here", 0)
    world.program(roam, here, errs, name="task")
    world.program(move, here, to, name="migration", background=True)
    for cpu in range(1, many):
        world.program(look, errs[cpu], world.variable(f"seen{cpu}", 0), name=f"irq{cpu}")
    return world


def violated(to):
    found = []
    for search in (lambda tables: Search(tables).run(), search_reduced):
        with Tables(moving(3, to)) as tables:
            found.append(search(tables).violated)
    return found


@pytest.mark.parametrize("to", [1, 2])
def test_whoever_may_be_moved_touches_every_cpu_where_he_may_be(to):
    full, reduced = violated(to)
    assert reduced == full == {f"irq{to}: AssertionError"}


def test_what_is_touched_where_one_stands_now_is_not_enough(monkeypatch):
    """The world above tells: who is not moved yet does not touch the other CPU, but may."""
    monkeypatch.setattr(Futures, "held", lambda _: True)
    full, reduced = violated(1)
    assert full == {"irq1: AssertionError"}
    assert reduced == frozenset()
