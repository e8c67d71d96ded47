"""The recorder: one execution as text, step by step."""

import msgspec

from actors.runtime import Device, Footprint, Outcome, World, scenario, set_label, spawn
from actors.runtime.digest import Digest
from actors.runtime.recorder import Recorder, record
from actors.runtime.schedule import FollowLog
from protocol.handles import Cell
from protocol.records import Change, Column


class Inner(msgspec.Struct, frozen=True):
    left: int = 0
    right: int = 0


class State(msgspec.Struct, frozen=True):
    inner: Inner = Inner()
    count: int = 0


class Bump(msgspec.Struct, frozen=True):
    by: int


class Counter(Device, frozen=True):
    def footprint(self, sender, message, read):  # noqa: ARG002  # its interface
        return Footprint((Cell("state"),), (Cell("state"),), "the counter")

    def handle(self, sender, message, values):  # noqa: ARG002  # its interface
        state = values[Cell("state")]
        after = State(Inner(state.inner.left, message.by), state.count + message.by)
        return (Outcome(after.count, ((Cell("state"), after),), "up"), Outcome(0, label="not"))


async def bumps(counter, x):
    await counter.send(Bump(3))
    set_label("where", "here" * 10)
    await x.store(1)
    set_label("where", "".join(["here"] * 10))  # the same again
    await spawn(stores, x)


async def ticks(y):
    await y.store(7)


async def stores(x):
    await x.store(2)


@scenario()
def counting(n: int = 1) -> World:
    """Does it count?"""
    world = World()
    world.cell(Cell("state"), State())
    world.program(bumps, Counter("c"), world.variable("x", n), name="p")
    world.source(ticks, world.variable("y", n), event="tick", budget=1, name="timer")
    return world


def test_a_step_says_who_did_what_where_and_what_changed(run):
    recorder, digest = Recorder(), Digest()
    execution = run(counting(), observer=recorder)
    run(counting(), observer=digest)
    assert recorder.digest.value == digest.value
    first, second, third, fourth = recorder.steps
    assert (first.number, first.program, first.actor, first.column) == (1, "p", "the counter", "p")
    assert (first.text, first.reply, first.outcome) == ("c.bump 3", "3", "up")
    assert (first.function, first.file) == ("bumps", __file__)
    assert first.line == bumps.__code__.co_firstlineno + 1
    assert first.changes == (Change("state", "inner.right", "0", "3"), Change("state", "count", "0", "3"))
    assert first.labels == (("where", "here" * 10),)
    assert (second.changes, second.labels) == ((), ())  # x was 1, and the label the same
    assert (third.text, third.reply) == ("spawn p.0", "p.0")
    assert (fourth.program, fourth.changes) == ("p.0", (Change("x", "", "1", "2"),))
    whole = record(counting, {"n": 1}, execution, recorder)
    assert whole.columns == (Column("p"), Column("timer"), Column("p.0"))
    assert whole.steps == tuple(recorder.steps)
    assert (whole.scenario, whole.question, whole.parameters) == ("counting", "Does it count?", (("n", "1"),))
    assert whole.budgets == (("tick", 1),)
    assert not any(one.event for one in recorder.steps)
    assert whole.ending == "every required program has finished"


def test_a_step_of_a_source_is_an_event(run):
    recorder = Recorder()
    run(counting(), FollowLog([("timer", 0)]), observer=recorder)
    assert [one.event for one in recorder.steps] == ["tick", "", "", "", ""]


async def divides(x):
    await x.fetch_add("text")


def test_the_step_at_which_a_device_raised_is_there(run):
    world = World()
    world.program(divides, world.variable("x", 0), name="p")
    recorder = Recorder()
    execution = run(world, observer=recorder)
    (step,) = recorder.steps
    assert execution.violation.names == ("p: TypeError",)
    assert (step.outcome, step.reply, step.changes) == ("raised TypeError", "", ())
    assert len(recorder.digest.rolling) == execution.steps == 1
