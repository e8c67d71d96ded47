"""Class mode: one complete execution of each class, the same number however it is searched for."""

import functools
import itertools

import pytest
from hypothesis import strategies as st

from actors.explore.classes.search import ClassSearch
from actors.explore.proving.small import search_small
from actors.explore.tables.tables import Tables
from actors.runtime import World, become
from actors.runtime.loading import load
from tests.drawn import both
from tests.explore.proving.test_oracle import build, worlds


def classes(world, **options):
    with Tables(world) as tables:
        return ClassSearch(tables, **options).run()


def every_state(world, **options):
    with Tables(world) as tables:
        return search_small(tables, most=100_000, **options)


def world_of(spec, **given):
    path = f"tests/zoo/{spec}" if ":" in spec else spec
    scenario = load(path, "scenarios")
    return scenario(**scenario.convert({name: str(value) for name, value in given.items()}))


def backwards(options):
    return tuple(reversed(options))


def inside_out(options):
    return tuple(sorted(options, key=lambda one: (one[0] * 7) % 5))


ORDERS = pytest.mark.parametrize("order", [tuple, backwards, inside_out])

LOST = "lost_update.py:lost_update"
PUBLISHED = [
    (LOST, {"threads": 2, "increments": 1}, 4),
    (LOST, {"threads": 2, "increments": 2}, 34),
    (LOST, {"threads": 3, "increments": 1}, 36),
    ("reorder.py:reorder", {"n": 3}, 36),
    ("reorder.py:reorder", {"n": 4}, 510),
    ("twostage.py:twostage", {"n": 2}, 3),
    ("din_phil.py:din_phil", {"n": 2}, 3),
    ("din_phil.py:din_phil", {"n": 3}, 7),
    ("needle.py:needle", {"n": 20}, 21),
    ("w1", {"fixed": "true"}, 199),
]


@ORDERS
@pytest.mark.parametrize(("spec", "given", "count"), PUBLISHED)
def test_the_counts_are_those_of_a_brute_force_count(spec, given, count, order):
    found = classes(world_of(spec, **given), order=order)
    assert (found.classes, found.limit) == (count, None)


def test_going_on_behind_a_violation_counts_whole_executions():
    found = classes(world_of("w1"), keep_going=True)
    assert (found.classes, found.states) == (199, 198)
    assert found.violated == {"task0 reads its own bit", "guest0 reads its own bit"}
    assert len(found.log) == len(every_state(world_of("w1")).log)


@pytest.mark.full
def test_two_cpus_have_as_many_classes_as_published():
    found = classes(world_of("w1", cpus=2, fixed="true"))
    assert (found.classes, found.states) == (77_347, 215_568)


# Every execution, one after the other, and the equivalence by its definition: swaps of neighbours.


def executions(tables):
    """Return all executions of a small world, each as ((column, outcome), state before it) and how it ends."""
    found = []

    def go(row, path):
        broken, _ = tables.judge.judged(row)
        failed = any(True for _ in tables.failures(row))
        options = () if broken or failed or tables.finished(row) else tables.options(row)
        if not options:
            found.append(tuple(path))
        for column, _, moves in options:
            for index, move in enumerate(moves):
                go(tables.after(row, move), [*path, (column, index)])

    go(tables.initial(), [])
    return found


class Swaps:
    """Which neighbours of an execution may change places, decided from the footprints that the runtime is told."""

    def __init__(self, tables):
        self.tables = tables
        self.cutting = self.find_cutting()

    def step(self, row, transition):
        column, index = transition
        for one, node, moves in self.tables.options(row):
            if one == column:
                return node, moves[index]
        raise AssertionError

    def touched(self, row, transition):
        node, move = self.step(row, transition)
        touched = self.tables.steps.reach(node, self.tables.layout.padded(row)).touched
        lives = {node.handle.life} if move.node.pending is None else set()
        return {*touched.footprint.reads, *touched.asked}, {*touched.footprint.writes, *lives}

    def after(self, row, transition):
        return self.tables.after(row, self.step(row, transition)[1])

    def cuts(self, row):
        broken, _ = self.tables.judge.judged(row)
        if broken or any(True for _ in self.tables.failures(row)):
            return True
        return self.tables.finished(row) and self.cutting

    def find_cutting(self):
        """Say whether some end of the world stops a background program that could go on."""
        rows, waiting = set(), [self.tables.initial()]
        while waiting:
            row = waiting.pop()
            if (
                row in rows
                or self.tables.judge.judged(row)[0]
                or any(True for _ in self.tables.failures(row))
            ):
                continue
            rows.add(row)
            options = self.tables.options(row)
            if self.tables.finished(row):
                if options:
                    return True
                continue
            waiting += [self.tables.after(row, move) for _, _, moves in options for move in moves]
        return False

    def may(self, row, one, other):
        """Say whether `one` and `other`, both enabled in this state, may change places."""
        enabled = {column for column, _, _ in self.tables.options(row)}
        if one[0] == other[0] or other[0] not in enabled:
            return False
        (reads, writes), (others_reads, others_writes) = self.touched(row, one), self.touched(row, other)
        if writes & (others_reads | others_writes) or others_writes & reads:
            return False
        behind = self.after(row, one), self.after(row, other), self.after(self.after(row, one), other)
        return not any(self.cuts(one) for one in behind)


def counted(tables):
    """Count the classes: executions, united by every swap."""
    swaps = Swaps(tables)
    found = executions(tables)
    parent = {one: one for one in found}

    def root(one):
        while parent[one] != one:
            one = parent[one]
        return one

    for one in found:
        row = tables.initial()
        for place, (first, second) in enumerate(itertools.pairwise(one)):
            if swaps.may(row, first, second):
                other = (*one[:place], second, first, *one[place + 2 :])
                parent[root(one)] = root(other)
            row = swaps.after(row, first)
    return len({root(one) for one in found})


def with_a_condition(drawn, bound):
    world = build(drawn)
    cells = {cell.name: cell for cell in world.cells}

    def small(x, y, l, m):  # noqa: E741  # the locks' names
        return x + y + (l is not None) + (m is not None) < bound

    world.always("together they stay small", small, *(cells[name] for name in "xylm"))
    return world


@both(30, 80, worlds, st.integers(1, 5))
def test_the_count_is_that_of_executions_united_by_swaps(drawn, bound):
    drawn = [(operations[:3], background) for operations, background in drawn]
    with Tables(with_a_condition(drawn, bound)) as tables:
        count = counted(tables)
        for order in (tuple, backwards):
            assert ClassSearch(tables, order=order).run().classes == count


@both(70, 200, worlds, st.booleans())
def test_it_sees_every_state_and_finds_what_the_full_search_finds(drawn, keep_going):
    found = classes(build(drawn), keep_going=keep_going)
    full = every_state(build(drawn), keep_going=keep_going)
    if keep_going or full.log is None:
        assert (found.states, found.violated, found.met) == (full.states, full.violated, full.met)
    assert (found.log is None) == (full.log is None)
    if full.log is not None:
        assert len(found.log) == len(full.log)


# What it refuses, and when it gives up.


async def round_and_round(x):
    await x.store(0)
    return become(round_and_round, x)


def endless():
    world = World()
    world.program(round_and_round, world.variable("x", 0))
    return world


def test_an_endless_execution_has_no_class():
    assert classes(endless()).limit == "endless"


def test_it_stops_at_its_bounds():
    assert classes(world_of("w1", fixed="true"), most=50).limit == "states"
    big = functools.partial(world_of, "two_phase_commit", rms=5)
    assert classes(big(), seconds=1e-9).limit == "time"
    told = []
    stopped = classes(big(), progress=lambda one: told.append(one) or len(told) < 3)
    assert stopped.limit == "stopped"
    assert [one.transitions for one in told] == sorted(one.transitions for one in told)
    assert told[-1].classes <= stopped.classes
