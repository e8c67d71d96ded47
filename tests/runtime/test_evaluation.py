"""Asking a device: what it may touch, what it may answer, and that it answers the same again."""

# ruff: noqa: ARG002  # devices are told more than these need

import itertools

import msgspec
import pytest

from actors.explore.tables.tables import Tables
from actors.runtime import RETRY, Cell, Device, Footprint, Outcome, World
from actors.runtime.device import Retry
from actors.runtime.errors import FootprintError, ModelError, Nondeterminism, NotAValue
from actors.runtime.program import Send
from actors.runtime.recorder import Recorder

Y = Cell("y")


class Poke(msgspec.Struct, frozen=True):
    """The one message of the devices below."""


class Faulty(Device, frozen=True):
    """A device that declares its own cell alone."""

    def footprint(self, sender, message, read):
        cell = Cell(self.name)
        return Footprint((cell,), (cell,), self.name)


class WritesOutside(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(writes=((Y, 1),)),)


class ReadsOutside(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(values[Y]),)


class GetsOutside(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(values.get(Y)),)


class AsksOutside(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(Y in values),)


class HidesIt(Faulty, frozen=True):
    def handle(self, sender, message, values):
        try:
            return (Outcome(values[Y]),)
        except KeyError:
            return (Outcome(0),)


async def pokes(x, lock, device):
    await x.store(1)
    await device.send(Poke())  # pokes


def with_device(kind):
    world = World()
    device = kind("d")
    world.cell(Cell("d"), 0)
    world.cell(Y, 0)
    world.program(pokes, world.variable("x", 0), world.lock("l"), device, name="p")
    return world


@pytest.mark.parametrize(
    ("kind", "does"),
    [
        (WritesOutside, "writes"),
        (ReadsOutside, "reads"),
        (GetsOutside, "reads"),
        (AsksOutside, "reads"),
        (HidesIt, "reads"),
    ],
)
def test_a_device_that_leaves_its_footprint_is_named(kind, does, run, line):
    with pytest.raises(FootprintError) as caught:
        run(with_device(kind))
    text = str(caught.value)
    assert f"step 2 of p, {line('pokes')}: device d {does} cell 'y' outside its footprint" in text
    assert f"{__file__}:{kind.handle.__code__.co_firstlineno}" in text


COUNT = itertools.count()
TOGGLE = itertools.cycle([True, 1])


class ChangesItsMind(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(next(COUNT)),)


class ChangesItsFootprint(Faulty, frozen=True):
    def footprint(self, sender, message, read):
        return Footprint((Y,) if next(COUNT) % 2 else (), (), self.name)

    def handle(self, sender, message, values):
        return (Outcome(),)


class SaysTrueThenOne(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(next(TOGGLE)),)


@pytest.mark.parametrize("kind", [ChangesItsMind, ChangesItsFootprint, SaysTrueThenOne])
def test_a_device_that_is_not_deterministic_is_named(kind, run, line):
    with pytest.raises(Nondeterminism) as caught:
        run(with_device(kind), checked=True)
    assert f"step 2 of p, {line('pokes')}: device d answered Poke from p in two ways" in str(caught.value)
    assert f"{__file__}:{kind.handle.__code__.co_firstlineno}" in str(caught.value)


async def chooses_among(choice, count):
    await choice.choose(*range(count))  # chooses


@pytest.mark.parametrize("driven", ["trio", "tables"])
def test_a_step_has_so_many_outcomes_and_no_more(driven, run, line):
    def go(count):
        world = World()
        world.program(chooses_among, world.choice("die"), count, name="p")
        if driven == "trio":
            return run(world)
        with Tables(world) as tables:
            return tables.options(tables.initial())

    assert go(3)
    with pytest.raises(ModelError) as caught:
        go(70_000)
    assert str(caught.value) == (
        f"{line('chooses')}: Choose of p to die has 70,000 outcomes, and a step may have 4,096; "
        "choose in several steps, or among fewer values"
    )


class Raises(Faulty, frozen=True):
    def handle(self, sender, message, values):
        raise ZeroDivisionError("in the device")  # raises


class RaisesEarlier(Faulty, frozen=True):
    def footprint(self, sender, message, read):
        raise ZeroDivisionError("in the device")  # raises earlier


class NeverAnswers(Faulty, frozen=True):
    def handle(self, sender, message, values):
        while True:
            pass


@pytest.mark.parametrize(("kind", "mark"), [(Raises, "raises"), (RaisesEarlier, "raises earlier")])
def test_a_device_that_raises_is_a_finding_with_both_places(kind, mark, run, line):
    execution = run(with_device(kind), checked=True)
    assert execution.violation.names == ("p: ZeroDivisionError",)
    lines = "\n".join(execution.violation.failure.lines)
    assert line("pokes") in lines
    assert line(mark) in lines
    assert execution.steps == 2


@pytest.mark.usefixtures("short_watch")
def test_a_device_that_never_answers_is_a_finding(run):
    execution = run(with_device(NeverAnswers))
    assert execution.violation.names == ("p: stuck",)
    assert "in handle" in execution.violation.failure.lines[-1]


class SaysMaybe(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return "maybe"


class SaysAList(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return [Outcome()]


class SaysNone(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (None,)


class WritesToAName(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(0, (("d", 1),)),)


class LabelsByNumber(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(0, (), 7),)


class TouchesAName(Faulty, frozen=True):
    def footprint(self, sender, message, read):
        return Footprint(("d",), (), self.name)


class TouchesNothingKnown(Faulty, frozen=True):
    def footprint(self, sender, message, read):
        return None


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize(
    ("kind", "method", "wanted"),
    [
        (SaysMaybe, "handle", "a tuple of Outcome"),
        (SaysAList, "handle", "a tuple of Outcome"),
        (SaysNone, "handle", "a tuple of Outcome"),
        (WritesToAName, "handle", r"with \('d', 1\) \(tuple\)"),
        (LabelsByNumber, "handle", "a tuple of Outcome"),
        (TouchesAName, "footprint", "tuples of Cell"),
        (TouchesNothingKnown, "footprint", "Footprint"),
    ],
)
def test_an_answer_of_another_shape_is_refused_where_it_is_given(kind, method, wanted, checked, run, line):
    with pytest.raises(NotAValue, match=wanted) as caught:
        run(with_device(kind), checked=checked)
    assert f"{line('pokes')}: device d answered Poke from p" in str(caught.value)
    assert f"{__file__}:{getattr(kind, method).__code__.co_firstlineno}" in str(caught.value)


class RetriesForEver(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(RETRY, ((Cell("d"), values[Cell("d")]),)),)


class RetriesToAndFro(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(RETRY, ((Cell("d"), 1), (Cell("d"), 0))),)


class Again(Retry, frozen=True):
    pass


class RetriesInItsOwnWay(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(Again(), ((Cell("d"), 1),)),)


class RetriesOnce(Faulty, frozen=True):
    def handle(self, sender, message, values):
        if values[Cell("d")] == 0:
            return (Outcome(RETRY, ((Cell("d"), 1),)),)
        return (Outcome(),)


def test_a_retry_in_which_nothing_moves_is_refused(run):
    with pytest.raises(ModelError, match="a retry that changes a cell"):
        run(with_device(RetriesForEver))
    with pytest.raises(NotAValue, match="each cell written once"):
        run(with_device(RetriesToAndFro))
    with pytest.raises(NotAValue, match="RETRY itself"):
        run(with_device(RetriesInItsOwnWay))
    assert run(with_device(RetriesOnce)).ending == "finished"


class Undescribed(Faulty, frozen=True):
    def handle(self, sender, message, values):
        return (Outcome(),)

    def describe(self, message):
        return message.nothing


class DescribedAsNumber(Undescribed, frozen=True):
    def describe(self, message):
        return 7


@pytest.mark.parametrize(
    ("kind", "says"), [(Undescribed, "cannot describe Poke"), (DescribedAsNumber, "not as a str")]
)
def test_a_device_that_cannot_describe_a_message_is_named(kind, says, run):
    with pytest.raises(ModelError, match=says) as caught:
        run(with_device(kind), observer=Recorder())
    assert __file__ in str(caught.value)


async def sends_a_number(x, lock, device):
    await device.send(7)


async def sends_a_list(x, lock, device):
    await device.send([7])


async def sends_to_a_name(x, lock, device):
    await Send("d", Poke())


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize(
    ("program", "says"),
    [
        (sends_a_number, "sends int to d; a message is a frozen msgspec.Struct"),
        (sends_a_list, "sends list to d; a message is a frozen msgspec.Struct"),
        (sends_to_a_name, "sends to str, which is not a device"),
    ],
)
def test_what_is_no_message_is_refused_with_the_line(program, says, checked, run):
    world = World()
    world.cell(Cell("d"), 0)
    world.program(program, world.variable("x", 0), world.lock("l"), RetriesOnce("d"), name="p")
    with pytest.raises(ModelError, match=says) as caught:
        run(world, checked=checked)
    assert f"{__file__}:{program.__code__.co_firstlineno + 1}" in str(caught.value)


class Sloppy(msgspec.Struct, frozen=True):
    """A message that takes others for itself."""

    key: int
    note: str

    def __eq__(self, other):
        return isinstance(other, Sloppy) and self.key == other.key

    def __hash__(self):
        return hash(self.key)


async def sends_a_sloppy_one(x, lock, device):
    await device.send(Sloppy(1, "a"))


@pytest.mark.parametrize("checked", [True, False])
def test_a_message_that_is_compared_in_its_own_way_is_refused(checked, run, line):
    world = World()
    world.cell(Cell("d"), 0)
    world.program(sends_a_sloppy_one, world.variable("x", 0), world.lock("l"), RetriesOnce("d"), name="p")
    with pytest.raises(NotAValue, match="Sloppy is not frozen, or has an __eq__ or __hash__ of its own"):
        run(world, checked=checked)
