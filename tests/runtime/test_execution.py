"""Executions: the default order, what is enabled, how it ends."""

# ruff: noqa: ARG002  # devices, observers and choosers are told more than these need

import msgspec
import pytest

from actors.runtime import RETRY, Cell, Device, Footprint, Outcome, World, fail, join, spawn
from actors.runtime.errors import ModelError
from actors.runtime.execution import Execution
from actors.runtime.schedule import Default, Follow


async def stores(x, *numbers):
    for value in numbers:
        await x.store(value)


class Trace:
    """An observer that writes down who took each step."""

    def __init__(self):
        self.steps = []

    def handled(self, execution, running, before, outcome):
        self.steps.append(running.name)

    def settled(self, execution):
        """Add nothing."""


class Names(Default):
    """The default order, noting what there was to choose from."""

    def __init__(self):
        self.offered = []

    def program(self, execution, enabled):
        self.offered.append([running.name for running in enabled])
        return 0


def test_by_default_everybody_runs_as_long_as_possible_background_last(run):
    world = World()
    x = world.variable("x", 0)
    world.program(stores, x, 1, 2, name="source", background=True)
    world.program(stores, x, 3, 4, name="a")
    world.program(stores, x, 5, 6, name="b")
    chooser, trace = Names(), Trace()
    assert run(world, chooser, observer=trace).ending == "finished"
    assert trace.steps == ["a", "a", "b", "b"]
    assert chooser.offered[0] == ["a", "b", "source"]
    assert run(world, Follow([2]), observer=(trace := Trace())).steps == 6
    assert trace.steps == ["source", "source", "a", "a", "b", "b"]


async def parent(x):
    first = await spawn(stores, x, 1)
    await spawn(stores, x, 2, background=True)
    await spawn(stores, x, 3, name="last")
    await join(first)


def test_children_are_named_by_their_parent_and_stand_behind_it(run):
    world = World()
    x = world.variable("x", 0)
    world.program(parent, x, name="p")
    world.program(stores, x, 9, name="q")
    chooser = Names()
    execution = run(world, chooser)
    assert list(execution.running) == ["p", "q", "p.0", "p.1", "p.last"]
    assert ["p.0", "p.last", "q", "p.1"] in chooser.offered  # p waits for p.0


async def has_many(x):
    for number in range(11):
        await spawn(stores, x, number)


def test_children_stand_in_the_order_of_their_birth_not_of_their_names(run):
    world = World()
    world.program(has_many, world.variable("x", 0), name="p")
    run(world, chooser := Names())
    assert chooser.offered[-11] == [f"p.{number}" for number in range(11)]


async def spawns_twice(x):
    await spawn(stores, x, name="child")
    await spawn(stores, x, name="child")


async def spawns_a_list(x):
    await spawn(stores, x, [])


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (spawns_twice, r"test_execution\.py:\d+: there are two programs called 'p.child'"),
        (spawns_a_list, r"test_execution\.py:\d+: message of p\.args\[1\]: list"),
    ],
)
def test_what_is_spawned_is_checked(program, says, run):
    world = World()
    world.program(program, world.variable("x", 0), name="p")
    with pytest.raises(ModelError, match=says):
        run(world)


async def joins(program):
    await join(program)


def test_a_program_that_nobody_spawned_cannot_be_waited_for(run):
    from protocol.handles import Program

    world = World()
    world.program(joins, Program("nobody"))
    with pytest.raises(ModelError, match="touches 'life of nobody', a cell that this world lacks"):
        run(world)


async def takes(first, second):
    async with first, second:
        pass


def deadly():
    world = World()
    locks = world.lock("fork"), world.lock("knife")
    world.program(takes, *locks, name="a")
    world.program(takes, *locks[::-1], name="b")
    return world


def test_a_deadlock_says_who_waits_for_what(run):
    execution = run(deadly(), Follow([0, 1]))
    assert execution.violation.names == ("deadlock",)
    assert execution.violation.text == "deadlock: a, b can never go on"
    waits = execution.violation.waiting
    line = takes.__code__.co_firstlineno + 1
    assert waits == (
        f"a waits for knife.acquire in takes ({__file__}:{line}); knife = b",
        f"b waits for fork.acquire in takes ({__file__}:{line}); fork = a",
    )


async def for_ever(x):
    while True:
        await x.fetch_add(1)


def test_a_limit_ends_what_never_ends(run):
    world = World()
    world.program(for_ever, world.variable("x", 0))
    execution = run(world, limit=7)
    assert (execution.ending, execution.steps, execution.violation) == ("limit", 7, None)


def test_background_programs_need_not_finish(run):
    world = World()
    x = world.variable("x", 0)
    world.program(for_ever, x, background=True)
    world.program(stores, x, 1)
    assert run(world).ending == "finished"


def test_a_world_without_required_programs_is_over_at_once(run):
    world = World()
    world.program(for_ever, world.variable("x", 0), background=True)
    execution = run(world)
    assert (execution.ending, execution.steps) == ("finished", 0)
    assert run(World()).ending == "finished"


async def gives_up(x):
    await x.load()
    fail("no more")


async def divides(x):
    await x.load()
    return 1 // await x.load()


def test_a_failure_ends_the_world_and_is_kept_with_its_lines(run):
    world = World()
    world.program(gives_up, world.variable("x", 0))
    violation = run(world).violation
    assert violation.names == ("gives_up: AssertionError",)
    assert violation.text == "no more"
    world = World()
    world.program(divides, world.variable("x", 0))
    failure = run(world).violation.failure
    assert (failure.program, failure.type) == ("divides", "ZeroDivisionError")
    line = divides.__code__.co_firstlineno + 2
    assert failure.lines == (f"{__file__}:{line} in divides: return 1 // await x.load()",)


async def releases(lock):
    await lock.release()


def test_a_devices_refusal_is_a_finding_at_the_programs_line(run):
    world = World()
    world.program(releases, world.lock("l"))
    execution = run(world, observer=(trace := Trace()))
    assert execution.violation.text == "releases releases lock l, held by nobody"
    line = releases.__code__.co_firstlineno + 1
    assert execution.violation.failure.lines[0].startswith(f"{__file__}:{line} in releases")
    assert trace.steps == ["releases"]  # the step that ended the world is written down, too


class Spin(msgspec.Struct, frozen=True):
    """Count down, and reply at 0."""


class Countdown(Device, frozen=True):
    def footprint(self, sender, message, read):
        return Footprint((Cell("n"),), (Cell("n"),), self.name)

    def handle(self, sender, message, values):
        left = values[Cell("n")]
        return (Outcome(RETRY if left > 1 else "done", ((Cell("n"), left - 1),), "tick"),)


async def spins(device):
    assert await device.send(Spin()) == "done"


@pytest.mark.parametrize("checked", [False, True])
def test_a_retry_moves_the_device_and_leaves_the_message_pending(checked, run):
    world = World()
    world.cell(Cell("n"), 3)
    world.program(spins, Countdown("d"), name="a")
    execution = run(world, checked=checked)
    assert (execution.ending, execution.steps) == ("finished", 3)
    assert execution.running["a"].steps == 1  # a program takes part in one step: that with the reply


class Shrug(Countdown, frozen=True):
    def handle(self, sender, message, values):
        return None


def test_a_device_that_answers_nothing_at_all_is_an_error_of_the_model(run):
    world = World()
    world.cell(Cell("n"), 3)
    world.program(spins, Shrug("d"))
    with pytest.raises(
        ModelError,
        match=r"answered Spin from spins with None \(NoneType\), at .*; wanted: a tuple of Outcome",
    ):
        run(world)


class Follows(Countdown, frozen=True):
    """A device whose footprint depends on a cell: it writes where `where` points."""

    def footprint(self, sender, message, read):
        target = read(Cell("where"))
        return Footprint((target,), (target, Cell("where")), target.name)

    def handle(self, sender, message, values):
        target = values[Cell("where")]
        other = Cell("n") if target == Cell("m") else Cell("m")
        return (Outcome("done", ((target, values[target] + 1), (Cell("where"), other))),)


@pytest.mark.parametrize("checked", [False, True])
def test_a_footprint_may_depend_on_cells_and_move_with_them(checked, run):
    world = World()
    for name in ("n", "m"):
        world.cell(Cell(name), 0)
    world.cell(Cell("where"), Cell("n"))
    for name in ("a", "b", "c"):
        world.program(spins, Follows("d"), name=name)
    execution = run(world, checked=checked)
    assert (execution.cells[Cell("n")], execution.cells[Cell("m")]) == (2, 1)
    assert execution.running["b"].actor == "m"


def test_an_execution_needs_no_driver():
    """It is what a world means; a driver only decides when."""
    execution = Execution(deadly())
    for running in execution.create():
        running.advance()
        execution.advanced(running)
    execution.settle()
    assert [running.name for running in execution.enabled()] == ["a", "b"]
    execution.close()
    execution.close()
