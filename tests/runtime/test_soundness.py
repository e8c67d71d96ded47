"""What no verdict could survive: each is caught, and named by program, step where there is one, and source line.

These are the acceptance tests of the runtime's soundness. Each program or device here breaks one rule, and does so at the line
that carries the mark that the test looks for.
"""

# ruff: noqa: ASYNC115, BLE001, S112  # what is broken here is broken on purpose

import itertools
import os
import random
import subprocess
import sys
import textwrap
import time
from typing import Any

import msgspec
import pytest
import trio

from actors.runtime import World, become, set_label, spawn
from actors.runtime.digest import Digest
from actors.runtime.errors import (
    ForeignAwait,
    ModelError,
    Nondeterminism,
    NotAValue,
    SwallowedTeardown,
)
from actors.runtime.values import same
from protocol.handles import Cell


def a_world(function, *more):
    """Build a world with a variable x, a lock l, and one program that gets both."""
    world = World()
    world.program(function, world.variable("x", 0), world.lock("l"), *more, name="p")
    return world


# What a program may hold.


def test_a_closure_counter_is_refused(line):
    count = 0

    async def counting(x, lock):
        nonlocal count
        count += 1  # counts
        await x.store(count)

    with pytest.raises(NotAValue) as caught:
        a_world(counting)
    assert "closure cell count of p" in str(caught.value)
    assert line("counts") in str(caught.value)


async def stores(x, lock, items):
    await x.store(len(items))


def test_a_shared_mutable_argument_is_refused():
    with pytest.raises(NotAValue, match=r"arguments of p: \[2\]: list is not a value"):
        a_world(stores, [1, 2])


class Holder(msgspec.Struct, frozen=True):
    inner: Any


def test_a_mutable_object_inside_a_value_is_refused_with_the_path_to_it():
    with pytest.raises(NotAValue, match=r"arguments of p: \[2\]\.inner\[1\]: dict is not a value"):
        a_world(stores, Holder((1, {})))


# What a program may depend on.


async def reads_the_clock(x, lock):
    await x.store(1)
    await x.store(time.perf_counter_ns())  # clock


async def draws_a_number(x, lock):
    await x.store(1)
    await x.store(random.random() < 2 and random.getrandbits(60))  # draws


SHARED = []


async def looks_at_what_another_changes(x, lock):
    SHARED.append(1)
    await x.store(1)
    await x.store(len(SHARED))  # shared


@pytest.mark.parametrize(
    ("program", "mark"),
    [(reads_the_clock, "clock"), (draws_a_number, "draws"), (looks_at_what_another_changes, "shared")],
)
def test_a_program_that_depends_on_more_than_its_replies_is_named(program, mark, run, line):
    with pytest.raises(Nondeterminism) as caught:
        run(a_world(program), checked=True)
    assert "program p is not deterministic: step 2 of it was store x" in str(caught.value)
    assert line(mark) in str(caught.value)


TOGGLE = itertools.cycle([True, 1])


async def sends_true_then_one(x, lock):
    await x.store(next(TOGGLE))  # toggles


def test_true_is_not_one_when_a_program_is_run_again(run, line):
    with pytest.raises(
        Nondeterminism, match="step 1 of it was store x True, and with the same replies it was store x 1"
    ) as caught:
        run(a_world(sends_true_then_one), checked=True)
    assert line("toggles") in str(caught.value)


async def stores_true(x, lock):
    await x.store(True)


async def stores_one(x, lock):
    await x.store(1)


def test_true_is_not_one_in_digests_and_states(run):
    digests = [Digest(), Digest()]
    first, second = (
        run(a_world(program), observer=digest)
        for program, digest in zip((stores_true, stores_one), digests, strict=True)
    )
    assert first.cells[Cell("x")] == second.cells[Cell("x")]
    assert not same(first.cells[Cell("x")], second.cells[Cell("x")])
    assert digests[0].value != digests[1].value


async def stores_both(x, lock):
    for value in (True, 1, True, 1):
        await x.store(value)
        read = await x.load()
        assert type(read) is type(value), "a remembered answer took one for the other"


def test_true_is_not_one_in_remembered_answers(run):
    assert run(a_world(stores_both)).ending == "finished"


# Sets: their order is another in each process.


def shuffled(names):
    return tuple(set(names))  # set


async def goes_through_a_set(x, lock):
    for name in shuffled(("a", "b", "c")):
        await x.store(name)


def test_a_set_that_a_program_goes_through_is_found_in_its_code(line):
    with pytest.raises(Nondeterminism) as caught:
        a_world(goes_through_a_set)
    assert "program p: " in str(caught.value)
    assert line("set") in str(caught.value)


HIDDEN_SET = """
from actors.runtime import World, scenario

class Names:
    def all(self):
        return {f"name{i}" for i in range(20)}

async def writer(x):
    names = Names().all()
    await x.store("first")
    for name in getattr(names, "__iter__")():
        await x.store(name)
    raise AssertionError("done")

@scenario()
def hidden() -> World:
    '''Does the order of a set show?'''
    world = World()
    world.program(writer, world.variable("x", ""))
    return world
"""


def vmrace(hash_seed, *arguments):
    command = [sys.executable, "-m", "actors.cli", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_set_hidden_from_that_look_diverges_in_the_next_process_and_is_named(tmp_path):
    file = tmp_path / "hidden.py"
    file.write_text(HIDDEN_SET, encoding="utf-8")
    found = vmrace("1", "explore", str(file), "--seed", "1", "--json")
    assert found.returncode == 1, found.stderr
    token = msgspec.json.decode(found.stdout)["token"]
    again = vmrace("1", "replay", token, str(file))
    assert again.returncode == 1, again.stderr
    elsewhere = vmrace("2", "replay", token, str(file))
    assert elsewhere.returncode == 2, elsewhere.stdout
    assert "diverge" in elsewhere.stderr + elsewhere.stdout


# How a program ends.


async def swallows_and_returns(x, lock):
    try:
        await x.wait_for(1)  # swallows
    except BaseException:
        return


async def swallows_and_sends(x, lock):
    try:
        await x.wait_for(1)  # swallows and sends
    except BaseException:
        await x.store(2)


async def swallows_for_ever(x, lock):
    while True:
        try:
            await x.wait_for(1)  # swallows for ever
        except BaseException:
            continue


@pytest.mark.parametrize(
    ("program", "mark"),
    [
        (swallows_and_returns, "swallows"),
        (swallows_for_ever, "swallows for ever"),
    ],
)
def test_a_program_that_swallows_its_end_is_named(program, mark, run, line):
    with pytest.raises(SwallowedTeardown) as caught:
        run(a_world(program))
    assert "program p caught the exception that closes it" in str(caught.value)
    assert "after step 0" in str(caught.value)
    assert line(mark) in str(caught.value)


def test_what_a_program_sends_while_it_is_closed_is_not_sent(run):
    assert run(a_world(swallows_and_sends)).cells[Cell("x")] == 0


async def fails_inside_async_with(x, lock):
    async with lock:
        await x.store(1)
        assert x is None, "inside"  # fails inside


async def fails_before_finally(x, lock):
    try:
        await x.store(1)
        assert x is None, "before"  # fails before
    finally:
        await x.store(2)


async def fails_and_is_handled(x, lock):
    try:
        await x.store(1)
        assert x is None, "handled"  # fails handled
    except AssertionError:
        await x.store(2)


@pytest.mark.parametrize(
    ("program", "mark"),
    [
        (fails_inside_async_with, "fails inside"),
        (fails_before_finally, "fails before"),
        (fails_and_is_handled, "fails handled"),
    ],
)
def test_a_failed_assertion_ends_the_program_at_that_step(program, mark, run, line):
    execution = run(a_world(program))
    assert execution.violation.names == ("p: AssertionError",)
    assert any(line(mark) in one for one in execution.violation.failure.lines)
    assert execution.cells[Cell("x")] == 1
    held = "p" if program is fails_inside_async_with else None
    assert execution.cells[Cell("l")] == held


def test_the_same_holds_inside_an_except_block_of_the_caller(run):
    """What the caller is handling is not the program's own failure."""
    try:
        raise AssertionError("the caller's")  # noqa: TRY301  # that is the point
    except AssertionError:
        execution = run(a_world(stores_one), checked=True)
    assert execution.ending == "finished"


async def sends_in_finally(x, lock):
    try:
        await x.wait_for(1)
    finally:
        await x.store(2)


def test_a_finally_that_sends_when_the_program_is_closed_sends_nothing(run):
    execution = run(a_world(sends_in_finally))
    assert execution.violation.names == ("deadlock",)
    assert execution.cells[Cell("x")] == 0
    assert execution.steps == 0


# What a program may await, and for how long it may run.


async def naps():
    await trio.sleep(0.01)


async def sleeps(x, lock):
    await x.store(1)
    await trio.sleep(0)  # sleeps


async def sleeps_in_a_helper(x, lock):
    await x.store(1)
    await naps()


def test_awaiting_trio_is_named(run, line):
    with pytest.raises(ForeignAwait, match=r"program p awaited \w+, .* after step 1 of it") as caught:
        run(a_world(sleeps))
    assert line("sleeps") in str(caught.value)


def test_awaiting_trio_in_a_helper_names_the_helper(run):
    with pytest.raises(ForeignAwait) as caught:
        run(a_world(sleeps_in_a_helper))
    assert f"{__file__}:{naps.__code__.co_firstlineno + 1}" in str(caught.value)


async def opens_a_nursery(x, lock):
    async with trio.open_nursery():  # in a nursery
        await x.store(1)


async def sets_a_deadline(x, lock):
    with trio.move_on_after(60):  # in a scope
        await x.store(1)


async def cancels_itself(x, lock):
    with trio.CancelScope() as scope:  # in a scope of its own
        scope.cancel()
        await x.store(1)


async def starts_a_task(x, lock):
    await x.load()
    async with trio.open_nursery() as nursery:  # for a task
        nursery.start_soon(trio.sleep_forever)
        while await x.load() is None:
            pass


async def sleeps_in_a_nursery(x, lock):
    async with trio.open_nursery():  # to sleep
        await trio.sleep(1)


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize(
    ("program", "mark"),
    [
        (opens_a_nursery, "in a nursery"),
        (sets_a_deadline, "in a scope"),
        (cancels_itself, "in a scope of its own"),
        (starts_a_task, "for a task"),
        (sleeps_in_a_nursery, "to sleep"),
    ],
)
def test_what_a_program_opens_of_trio_is_named(program, mark, checked, run, run_free, line):
    with pytest.raises(ForeignAwait, match=r"program p used Trio after step \d of it") as caught:
        run(a_world(program), checked=checked)
    assert line(mark) in str(caught.value)
    with pytest.raises(ForeignAwait, match="program p used Trio"):
        run_free(a_world(program))


async def never_ends(x, lock):
    await x.store(1)
    while x is not None:
        pass  # never ends


@pytest.mark.usefixtures("short_watch")
def test_an_endless_loop_is_stopped_by_the_watchdog(run, line):
    execution = run(a_world(never_ends))
    assert execution.violation.names == ("p: stuck",)
    file, _, number = line("never ends").rpartition(":")
    lines = [f"{file}:{at} in never_ends" for at in (int(number) - 1, int(number))]
    assert execution.violation.failure.lines[-1].startswith(tuple(lines))
    assert execution.steps == 1


def is_never_decided(value):
    while True:
        pass


@pytest.mark.usefixtures("short_watch")
def test_a_condition_that_never_ends_is_named(run):
    world = a_world(stores_one)
    world.always("endless", is_never_decided, Cell("x"))
    with pytest.raises(ModelError, match=r"condition 'endless' raised Stuck at .*test_soundness\.py"):
        run(world)


# Becoming.


async def round_and_round(x, lock):
    return become(round_and_round, x, lock)  # no step


async def becomes_and_sends(x, lock):
    become(stores_one, x, lock)  # sends on
    await x.store(1)


async def becomes_and_ends(x, lock):
    await x.store(1)
    become(stores_one, x, lock)  # ends


async def becomes_then_spawns(x, lock):
    await x.store(1)
    return become(spawns, x, lock)


async def spawns(x, lock):
    try:
        await spawn(stores_one, x, lock)  # spawns
    except ModelError:
        await x.store(2)


async def becomes_with_a_list(x, lock):
    await x.store(1)
    return become(stores, x, lock, [1])  # list


async def labels_with_a_list(x, lock):
    await x.store(1)
    set_label("names", [1])  # labels


def test_a_become_without_a_step_is_a_finding(run, line):
    execution = run(a_world(round_and_round))
    assert execution.violation.names == ("p: become",)
    assert "without a step in between" in execution.violation.text
    assert execution.violation.failure.lines == (line("no step"),)


@pytest.mark.parametrize(
    ("program", "mark", "says"),
    [
        (becomes_and_sends, "sends on", "after step 0 of it: become(...) has to be returned"),
        (becomes_and_ends, "ends", "after step 1 of it: become(...) has to be returned"),
        (
            becomes_then_spawns,
            "spawns",
            "after step 1 of it: a spawn after `become` or in a routine needs a name",
        ),
        (becomes_with_a_list, "list", "arguments of p: [2]: list is not a value"),
        (labels_with_a_list, "labels", "label 'names' of p: list is not a value"),
    ],
)
def test_a_misuse_of_becoming_is_named(program, mark, says, run, line):
    with pytest.raises(ModelError) as caught:
        run(a_world(program))
    assert says in str(caught.value)
    assert line(mark) in str(caught.value)


def test_the_source_of_a_scenario_may_be_indented():
    """The search for sets reads whole files, so a program inside a function is no special case."""
    scope: dict[str, Any] = {}
    source = """
        def build():
            async def inner(x, lock):
                await x.store(len({1, 2}))
            return inner
    """
    exec(textwrap.dedent(source), scope)  # noqa: S102  # a program without a file
    a_world(scope["build"]())
