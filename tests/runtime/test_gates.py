"""Gates: what a device says of them has to be true, and may rest on the message's footprint alone."""

# ruff: noqa: ARG002  # devices are told more than these need

import msgspec
import pytest

from actors.runtime import Cell, Device, Footprint, Gate, Outcome, World
from actors.runtime.errors import FootprintError, ModelError

Y = Cell("y")


class Poke(msgspec.Struct, frozen=True):
    """The one message of the device below."""


class Holds(Gate, frozen=True):
    cell: Cell
    value: int

    def is_open(self, read):
        return read(self.cell) == self.value


class Guarded(Device, frozen=True):
    """Enabled while its own cell holds 1."""

    at: Gate

    def footprint(self, sender, message, read):
        cell = Cell(self.name)
        return Footprint((cell,), (cell,), self.name)

    def handle(self, sender, message, values):
        return (Outcome(writes=((Cell(self.name), 2),)),) if values[Cell(self.name)] == 1 else ()

    def gate(self, sender, message):
        return self.at


async def pokes(device):
    await device.send(Poke())


def world_with(gate):
    world = World()
    device = Guarded("d", gate)
    world.cell(Cell("d"), 1)
    world.cell(Y, 0)
    world.program(pokes, device)
    return world


def test_a_gate_that_says_what_is_true_is_no_trouble(run):
    assert run(world_with(Holds(Cell("d"), 1)), checked=True).ending == "finished"


def test_a_gate_that_is_shut_for_what_is_enabled_is_an_error(run):
    with pytest.raises(
        ModelError, match=r"the gate of device d is shut for Poke, which is enabled, at .*test_gates.py:\d+"
    ):
        run(world_with(Holds(Cell("d"), 7)), checked=True)


def test_a_gate_that_looks_outside_the_footprint_is_an_error(run):
    with pytest.raises(FootprintError, match="device d reads cell 'y' outside its footprint"):
        run(world_with(Holds(Y, 0)), checked=True)
