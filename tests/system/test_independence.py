"""What a search of all orders relies on in a machine: which CPUs a program may touch, and what sources of events may spend."""

import itertools

import pytest

from actors.explore.reduction.futures import Futures
from actors.explore.reduction.search import ReducedSearch
from actors.explore.tables.tables import Tables
from actors.machine.state import cpu_cell
from actors.system import Machine
from actors.system.tasks import busy_task

CPUS = 3


def futures(world):
    """Return what each program may touch from its first message on, as reduced searches have come to know it, and the columns."""
    with Tables(world) as tables:
        found = Futures()
        while True:
            found.assume()
            ReducedSearch(tables, found, keep_going=True).run()
            if found.held():
                break
        row, known, layout = tables.initial(), found.known.futures(), tables.layout
        first = [layout.node(row, column) for column, _ in layout.schedule]
        return {node.name: known[node].touch for node in first}, layout.cells


def cpus_of(touch, columns):
    """Return the CPUs that somebody may read or change."""
    both = touch.reads | touch.writes
    return {cpu for cpu in range(CPUS) if both >> columns[cpu_cell(cpu)] & 1}


@pytest.mark.parametrize(("to", "expected"), [(None, {0}), (1, {0, 1}), (2, {0, 2})])
def test_a_task_touches_every_cpu_that_it_may_be_moved_to_and_no_other(to, expected):
    world = Machine(cpus=CPUS)
    world.host_task(busy_task, cpu=0, name="running")
    task = world.host_task(busy_task, cpu=0, name="task")
    if to is not None:
        world.migrations(task, to=to)
    touched, columns = futures(world)
    assert cpus_of(touched["task"], columns) == expected
    assert cpus_of(touched["running"], columns) == {0}


def test_sources_of_two_cpus_have_nothing_in_common():
    """A counter that both drew on would tie all that happens on one CPU to all that happens on the other."""
    world = Machine(cpus=2)
    for cpu in range(2):
        world.host_task(busy_task, cpu=cpu, name=f"task{cpu}")
        world.interrupts(cpu, external=1, nmi=1)
    touched, _ = futures(world)
    for one, other in itertools.product(("irq0", "nmi0"), ("irq1", "nmi1")):
        assert not touched[one].meets(touched[other]), (one, other)
    assert touched["irq0"].meets(touched["nmi0"])  # on one CPU they do


def left(tables, row):
    """Return how many events each source may still send in a state."""
    layout = tables.layout
    nodes = {history.handle.name: layout.node(row, column) for column, history in layout.schedule}
    return {
        name: node.root.args[-1]
        for name, node in sorted(nodes.items())
        if node.history.background and not name.startswith("idle")
    }


def all_that_may_be_left(world):
    """Go through all states; return what the sources may have left, each in its place in the order of names."""
    with Tables(world) as tables:
        seen, open_ = set(), [tables.initial()]
        found = set()
        while open_:
            row = tables.layout.padded(open_.pop())
            if row in seen:
                continue
            seen.add(row)
            budgets = left(tables, row)
            found.add(tuple(budgets.values()))
            for _, _, moves in tables.options(row):
                open_ += [tables.after(row, move) for move in moves]
        return list(budgets), found


@pytest.mark.parametrize(
    ("events", "names", "counts"),
    [
        ([{"external": 1}, {"external": 2}], ["irq0", "irq1"], (1, 2)),
        ([{"external": 1, "nmi": 2}], ["irq0", "nmi0"], (1, 2)),
        ([{"preemption": 1, "mce": 1, "nmi": 1}], ["mce0", "nmi0", "timer0"], (1, 1, 1)),
    ],
)
def test_each_class_on_each_cpu_spends_what_is_its_own(events, names, counts):
    """All mixtures of events occur, and none beyond what was given to that class on that CPU."""
    world = Machine(cpus=len(events))
    for cpu, given in enumerate(events):
        world.host_task(busy_task, cpu=cpu, name=f"task{cpu}")
        world.interrupts(cpu, **given)
    found_names, found = all_that_may_be_left(world)
    assert found_names == names
    assert found == set(itertools.product(*(range(count + 1) for count in counts)))
