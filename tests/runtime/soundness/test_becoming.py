"""Becoming: after a step, returned, and with values."""

import pytest

from actors.runtime import become, set_label, spawn
from actors.runtime.errors import ModelError
from tests.runtime.soundness.worlds import a_world, stores, stores_one


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
