"""Routines, as programs see them: they run like any call, whatever is forgotten of them."""

# ruff: noqa: B006, PLC0208  # what these routines do, no routine should

import pytest

from actors.runtime import Program, Variable, World, become, routine, set_label, spawn
from actors.runtime.errors import ModelError, Nondeterminism, NotAValue
from actors.runtime.place import definition
from actors.runtime.program import body_of
from actors.runtime.running import Running

X = Variable("x")


def start(function, *args):
    running = Running(Program("p"), function, args, (False, (0, 0, "")))
    running.advance()
    return running


@routine
async def doubles(by=2):
    """Double it."""
    value = await X.load()  # inside
    set_label("seen", value)
    return value * by


async def calls():
    await X.store(await doubles())
    await X.store(await doubles(by=3))


def test_it_is_called_and_returns_like_any_function():
    running = start(calls)
    for reply in (21, None, 5, None):
        running.advance(reply)
    stored = [
        send.message.value for send, _, _ in running.segments[0].exchanges if hasattr(send.message, "value")
    ]
    assert stored == [42, 15]
    assert running.labels == {"seen": 5}
    assert running.finished
    assert running.failure is None


def test_it_keeps_name_text_and_definition():
    assert (doubles.__name__, doubles.__doc__) == ("doubles", "Double it.")
    assert definition(doubles) == f"{__file__}:{body_of(doubles).__code__.co_firstlineno}"
    assert body_of(calls) is calls


def test_a_program_stands_at_the_routine_s_own_line(line):
    running = start(calls)
    assert running.where() == line("inside")
    assert [name for name, *_ in running.lines()] == ["calls", "doubles"]


@routine
async def fails():
    assert await X.load() > 1  # fails
    return 1


async def tries():
    try:
        await fails()
    finally:
        await X.store(1)


def test_an_assertion_that_fails_in_one_ends_the_program_at_that_step(line):
    running = start(tries)
    running.advance(0)
    assert running.finished
    assert running.failure.type == "AssertionError"
    assert [text.split(" in ")[0] for text in running.failure.lines][-1] == line("fails")
    assert not any("runtime/routine.py" in text for text in running.failure.lines)


@routine
async def raises():
    raise KeyError(await X.load())


class Left(BaseException):
    """What a routine raises that no handler of Exceptions sees."""


@routine
async def leaves():
    await X.load()
    raise Left


async def goes_on():
    try:
        await raises()
    except KeyError as error:
        await X.store(error.args[0])
    try:
        await leaves()
    except Left:
        await X.store(0)
    await spawn(doubles)


def test_an_exception_goes_through_and_the_program_is_out_of_the_routine():
    running = start(goes_on)
    running.advance(7)
    assert running.pending.message.value == 7
    assert running.calls.frames == []
    running.advance()
    running.advance()
    assert running.calls.frames == []
    running.advance()
    assert running.pending.message.child.name == "p.0"
    running.close()


@routine
async def counts(number):
    await X.store(number)
    set_label(f"number {number}")
    return become(counts, number - 1) if number else "done"


async def waits_for_it():
    set_label("ended", await counts(2))
    await X.load()


def test_becoming_inside_goes_round_there_and_keeps_the_labels():
    running = start(waits_for_it)
    for number in (2, 1, 0):
        assert running.pending.message.value == number
        assert len(running.calls.frames) == 1
        running.advance()
    assert running.labels == {"number 2": True, "number 1": True, "number 0": True, "ended": "done"}
    assert [segment.function for segment in running.segments] == [waits_for_it]
    running.close()


@routine
async def spins():
    return become(spins)  # spins


async def waits_for_ever():
    await X.load()
    try:
        await spins()
    finally:
        await X.store(1)


def test_becoming_inside_without_a_step_is_a_finding_and_sends_nothing_more(line):
    running = start(waits_for_ever)
    running.advance()
    assert running.finished
    assert running.failure.type == "become"
    assert running.failure.lines == (line("spins"),)


async def becomes_one():
    await X.load()
    return become(counts, 1)


def test_a_program_may_be_a_routine_or_become_one():
    for running in (start(counts, 1), start(becomes_one)):
        while not running.finished:
            running.advance()
        assert running.failure is None
        assert running.labels["number 0"]


@routine
async def forks(name):
    await spawn(doubles, name=name)


async def forks_twice(name):
    await spawn(doubles)
    await forks(name)
    await spawn(doubles)


def test_a_spawn_inside_needs_a_name_and_takes_no_place_from_others():
    running = start(forks_twice, "q")
    names = []
    while not running.finished:
        names.append(running.pending.message.child.name)
        running.advance(running.pending.message.child)
    assert names == ["p.0", "p.q", "p.1"]
    running = start(forks_twice, None)
    with pytest.raises(ModelError, match="a spawn after `become` or in a routine needs a name"):
        running.advance(running.pending.message.child)


class Handle(Variable, frozen=True):
    """A device with a routine for a method."""

    @routine
    async def increase(self, amount):
        await self.store(await self.load() + amount)


async def increases(x):
    await Handle(x.name).increase(2)


def test_it_may_be_a_method(run):
    world = World()
    x = world.variable("x", 1)
    world.program(increases, x)
    assert run(world, checked=True).cells[x.cell] == 3


@routine
async def takes(anything):
    await X.load()
    return anything


@routine
async def by_default(seen=[]):
    await X.load()


@routine
async def through_a_set():
    for name in {"a", "b"}:
        await X.store(len(name))


async def passes_a_list(x):
    await x.load()
    await takes([])


@routine
async def makes_a_list():
    await X.load()
    return []


async def is_returned_a_list(x):
    await makes_a_list()


async def has_a_default(x):
    await x.load()
    await by_default()


async def calls_through_a_set(x):
    await through_a_set()


@pytest.mark.parametrize(
    ("program", "what", "says"),
    [
        (passes_a_list, NotAValue, "arguments of takes in p: [0]: list is not a value"),
        (is_returned_a_list, NotAValue, "what makes_a_list returns in p: list is not a value"),
        (has_a_default, NotAValue, "default of by_default in p's parameter seen: list is not a value"),
        (calls_through_a_set, Nondeterminism, "goes through a set in its own order"),
    ],
)
def test_nothing_but_values_passes_between_a_routine_and_its_caller(program, what, says, run):
    world = World()
    x = world.variable("x", 0)

    def attempt():
        world.program(program, x, name="p")
        run(world, checked=True)

    with pytest.raises(what) as caught:
        attempt()
    assert says in str(caught.value)
