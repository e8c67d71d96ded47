"""What devices answered is remembered, and never for another question."""

# ruff: noqa: ARG002  # devices have the interface that they have

from typing import Any

import msgspec
import pytest
import trio

from actors.runtime import Cell, Device, Footprint, Outcome, World
from actors.runtime.answers import Answers
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.execution import Execution
from actors.runtime.schedule import Default


class Ask(msgspec.Struct, frozen=True):
    number: int


ASKED = []


class Counting(Device, frozen=True):
    """A device that notes how often it is asked, and of which cell is told by another."""

    def footprint(self, sender, message, read):
        cell = read(Cell("where"))
        ASKED.append(("footprint", message.number))
        return Footprint((cell,), (cell,), self.name)

    def handle(self, sender, message, values):
        ASKED.append(("handle", message.number))
        cell = values[Cell("where")]
        return (Outcome(values[cell] + message.number, ((cell, values[cell] + message.number),)),)


async def asks(device, where, numbers):
    for number in numbers:
        await device.send(Ask(number))
    await where.store(Cell("b"))
    for number in numbers:
        await device.send(Ask(number))


def build(*numbers):
    world = World()
    world.cell(Cell("a"), 0)
    world.cell(Cell("b"), 100)
    world.program(asks, Counting("d"), world.variable("where", Cell("a")), numbers)
    return world


def run_often(world, times, *, checked=False):
    async def main():
        async with open_driver(world) as driver:
            return [await driver.run(Default(), checked=checked) for _ in range(times)]

    ASKED.clear()
    return trio.run(main)


def test_a_device_is_asked_the_same_once():
    executions = run_often(build(1, 2), 3)
    assert [(kind, number) for number in (1, 2, 1, 2) for kind in ("footprint", "handle")] == ASKED
    for execution in executions:
        assert (execution.cells[Cell("a")], execution.cells[Cell("b")]) == (3, 103)


def test_a_checked_execution_asks_each_time_and_twice():
    run_often(build(1), 2, checked=True)
    assert ASKED.count(("handle", 1)) == 2 * 2 * 2
    assert ASKED.count(("footprint", 1)) == 2 * 2 * 2


def test_equal_messages_of_other_types_are_other_questions():
    world = World()
    world.program(hears_its_echo, (1, True, 1, True))
    for execution in run_often(world, 2):
        assert execution.violation is None
    first, *others = [type(number) for _, number in ASKED]
    assert (first, set(others)) == (int, {bool})  # rather asked again than taken for another


def test_equal_devices_of_other_types_are_other_devices():
    world = World()
    world.program(hears_two_echoes, Echo("d", 1), Echo("d", True))
    for execution in run_often(world, 2):
        assert execution.violation is None


class Echo(Device, frozen=True):
    """A device without a cell, which replies what it is asked, or what it is made of."""

    content: Any = None

    def footprint(self, sender, message, read):
        return Footprint(actor=self.name)

    def handle(self, sender, message, values):
        ASKED.append(("handle", message.number))
        return (Outcome(message.number if self.content is None else self.content),)


async def hears_its_echo(numbers):
    for number in numbers:
        assert await Echo("d").send(Ask(number)) is number


async def hears_two_echoes(*devices):
    for device in devices:
        assert await device.send(Ask(5)) is device.content


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_forgetting_costs_time_and_nothing_else(limit):
    world = build(1, 2, 3)
    answers = Answers(limit)
    for _ in range(3):
        execution = Execution(world, answers=answers)
        (running,) = execution.create()
        running.advance()
        execution.advanced(running)
        while running.pending is not None:
            running.advance(execution.handle(running, 0))
            execution.advanced(running)
        assert execution.cells[Cell("b")] == 106
        assert len(answers._questions) <= limit + 1
