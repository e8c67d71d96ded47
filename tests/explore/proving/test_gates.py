"""Searching with gates and without finds the same, and behind a gate that is shut no device is asked."""

# ruff: noqa: ARG002  # devices are told more than these need

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.explore.proving.search import Search
from actors.explore.proving.small import search_small
from actors.explore.tables.tables import Tables
from actors.machine.processor import Processor
from actors.runtime import Cell, Device, Footprint, Gate, Outcome, World
from actors.runtime.loading import load

TURN = Cell("turn")
ASKED = []


class Add(msgspec.Struct, frozen=True):
    """Add so much to a cell; then it is the turn of another."""

    cell: Cell
    amount: int
    then: int


class MyTurn(Gate, frozen=True):
    who: str

    def is_open(self, read):
        return read(TURN) == int(self.who)


class Round(Device, frozen=True):
    """Takes messages from one program at a time; with or without saying so."""

    gated: bool

    def footprint(self, sender, message, read):
        ASKED.append(sender.name)
        return Footprint((TURN, message.cell), (TURN, message.cell), self.name)

    def handle(self, sender, message, values):
        if values[TURN] != int(sender.name):
            return ()
        made = (values[message.cell] + message.amount) % 3
        return tuple(
            Outcome(made, ((message.cell, made), (TURN, turn))) for turn in {message.then, int(sender.name)}
        )

    def gate(self, sender, message):
        return MyTurn(sender.name) if self.gated else None


async def adds(device, messages):
    for message in messages:
        await device.send(message)


MESSAGES = st.builds(Add, st.sampled_from([Cell("a"), Cell("b")]), st.integers(0, 2), st.integers(0, 2))
PROGRAMS = st.lists(st.lists(MESSAGES, min_size=1, max_size=3), min_size=3, max_size=3)


def build(programs, *, gated):
    world = World()
    for cell in (TURN, Cell("a"), Cell("b")):
        world.cell(cell, 0)
    for number, messages in enumerate(programs):
        world.program(adds, Round("round", gated), tuple(messages), name=str(number))
    return world


def searched(world):
    with Tables(world) as tables:
        return Search(tables, keep_going=True).run()


@given(PROGRAMS)
@settings(max_examples=60, deadline=None)
def test_a_world_with_gates_is_the_world_without(programs):
    plain, gated = (searched(build(programs, gated=gated)) for gated in (False, True))
    assert gated == plain
    with Tables(build(programs, gated=True)) as tables:
        small = search_small(tables, keep_going=True)
    assert (small.states, small.transitions, small.violated) == (
        plain.states,
        plain.transitions,
        plain.violated,
    )


def test_a_device_is_not_asked_behind_a_gate_that_is_shut():
    programs = [[Add(Cell("a"), 1, 0)] * 3, [Add(Cell("b"), 1, 1)] * 3, [Add(Cell("b"), 1, 1)] * 3]
    ASKED.clear()
    searched(build(programs, gated=True))
    assert set(ASKED) == {"0"}
    ASKED.clear()
    searched(build(programs, gated=False))
    assert set(ASKED) == {"0", "1", "2"}


class Never(Gate, frozen=True):
    """A gate that looks at nothing."""

    def is_open(self, read):
        return False


class Nowhere(Round, frozen=True):
    def gate(self, sender, message):
        return Never()


def test_a_gate_that_looks_at_nothing_stays_shut():
    world = World()
    for cell in (TURN, Cell("a")):
        world.cell(cell, 0)
    world.program(adds, Round("free", False), (Add(Cell("a"), 1, 0),) * 2, name="0")
    for name in "12":
        world.program(adds, Nowhere("nowhere", True), (Add(Cell("a"), 1, 0),), name=name)
    ASKED.clear()
    with Tables(world) as tables:
        assert search_small(tables, keep_going=True).violated == {"deadlock"}
    assert set(ASKED) == {"0"}


@pytest.mark.parametrize(
    ("name", "given"),
    [("swap_window", {"window": "closed"}), ("tile_state_survives", {}), ("xfd_err_lost", {"swap": "full"})],
)
def test_a_machine_is_the_same_without_its_gates(name, given, monkeypatch):
    scenario = load(name, "scenarios")
    parameters = scenario.convert(given)
    gated = searched(scenario(**parameters))
    monkeypatch.delattr(Processor, "gate")
    assert searched(scenario(**parameters)) == gated
