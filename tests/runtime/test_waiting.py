"""Messages that wait for values (`Footprint.when`): not enabled while a cell holds another, and nobody asks their device."""

# ruff: noqa: ARG002  # devices are told more than these need

import msgspec
import pytest

from actors.explore.sampled.rows import Rows
from actors.explore.stopping import never
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.tables.tables import Tables
from actors.runtime import Cell, Device, Footprint, Lock, Outcome, Program, Variable, World
from actors.runtime.devices import lock, variable
from actors.runtime.errors import ModelError, NotAValue
from actors.runtime.life import LIFE, Join

A, B = Program("a"), Program("b")
Y = Cell("y")
HANDLED = []


class Poke(msgspec.Struct, frozen=True):
    """The one message of the devices below."""


class Gate(Device, frozen=True):
    """Opens while its cell holds one, and says so of what it sees when it is asked."""

    def footprint(self, sender, message, read):
        cell = Cell(self.name)
        return Footprint((cell,), (), self.name, ((cell, 1),))

    def handle(self, sender, message, values):
        HANDLED.append(values[Cell(self.name)])
        return (Outcome(),)


async def pokes(device):
    await device.send(Poke())  # pokes


async def stores(gate, values):
    for value in values:
        await gate.store(value)


def gated(*values):
    """Build a world in which somebody stands at a gate, and others store values in its cell one after the other."""
    world = World()
    gate = world.variable("gate", 0)
    world.program(pokes, Gate("gate"), name="p")
    world.program(stores, gate, values, name="q")
    return world


@pytest.mark.parametrize("checked", [False, True])
def test_a_device_is_asked_only_while_its_cells_hold_what_it_waits_for(checked, run):
    HANDLED.clear()
    assert run(gated(2, 1), checked=checked).ending == "finished"
    assert set(HANDLED) == {1}


def test_nor_is_it_on_tables():
    HANDLED.clear()
    rows = Rows(Tables(gated(2, 3, 1)))
    walk = RandomWalk(1)
    for number in range(1, 6):
        walk.begin(number)
        assert rows.run(walk, 50, never) == "finished"
    assert set(HANDLED) == {1}


@pytest.mark.parametrize("value", [2, True])
def test_another_value_leaves_it_waiting_and_true_is_another_than_one(value, run):
    assert run(gated(value)).violation.names == ("deadlock",)
    rows = Rows(Tables(gated(value)))
    assert rows.run(RandomWalk(1), 50, never) == "violated"
    assert rows.violated == ("deadlock",)


ANYTHING = [None, False, True, 0, 1, "a", "b"]


@pytest.mark.parametrize("content", ANYTHING)
@pytest.mark.parametrize(
    ("device", "cell", "message"),
    [
        *((Lock("l"), Cell("l"), message()) for message in (lock.Acquire, lock.TryAcquire)),
        *((Variable("x"), Cell("x"), variable.Await(value)) for value in ANYTHING),
        (Variable("x"), Cell("x"), variable.Load()),
        (Variable("x"), Cell("x"), variable.CompareExchange(0, 1)),
        (LIFE, B.life, Join((B,))),
    ],
)
def test_ready_devices_wait_for_just_that_without_which_they_have_no_outcome(device, cell, message, content):
    """The device itself says the same: it may be asked in other ways, through a CPU."""
    if device is LIFE and type(content) is not bool:
        return
    footprint = device.footprint(A, message, None)
    waits = any(
        (type(content), content) != (type(value), value) for where, value in footprint.when if where == cell
    )
    assert waits == (device.handle(A, message, {cell: content}) == ())


class WaitsForAnother(Gate, frozen=True):
    def footprint(self, sender, message, read):
        return Footprint((Cell(self.name),), (), self.name, ((Y, 1),))


class WaitsForNoPair(Gate, frozen=True):
    def footprint(self, sender, message, read):
        cell = Cell(self.name)
        return Footprint((cell,), (), self.name, (cell,))


class WaitsForAList(Gate, frozen=True):
    def footprint(self, sender, message, read):
        cell = Cell(self.name)
        return Footprint((cell,), (), self.name, ((cell, [1]),))


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        (WaitsForAnother, NotAValue, "cells that it reads or writes"),
        (WaitsForNoPair, NotAValue, "cells that it reads or writes"),
        (WaitsForAList, NotAValue, "value that p waits for: list is not a value"),
    ],
)
def test_what_is_no_value_of_a_cell_of_the_footprint_is_refused_with_the_line(kind, error, says, run, line):
    world = World()
    world.cell(Y, 0)
    world.variable("gate", 0)
    world.program(pokes, kind("gate"), name="p")
    with pytest.raises(ModelError, match=says) as caught:
        run(world)
    assert type(caught.value) is error
    assert line("pokes") in str(caught.value)
