"""The digest: what it covers, where it parts, and that it never changes."""

import pytest

from actors.runtime import World, set_label
from actors.runtime.digest import Digest
from actors.runtime.schedule import Follow


async def counts(x, amount):
    await x.fetch_add(amount)
    set_label("done")
    await x.load()


def digest_of(run, *choices, amount=1, initial=0, name="x"):
    world = World()
    x = world.variable(name, initial)
    world.program(counts, x, amount, name="a")
    world.program(counts, x, amount, name="b")
    digest = Digest()
    run(world, Follow(choices), observer=digest)
    return digest


def test_it_is_the_same_in_any_process_and_version(run):
    """Tokens hold it: change it, and the version of their format has to change."""
    digest = digest_of(run, 0, 1)
    assert f"{digest.value:016x}" == "7b0864e8bb233925"
    assert digest.rolling.hex() == "b2b61fc6"


@pytest.mark.parametrize("changed", [{"amount": 2}, {"initial": 1}, {"initial": False}, {"name": "y"}])
def test_it_covers_messages_values_and_names(changed, run):
    assert digest_of(run).value != digest_of(run, **changed).value


def test_two_executions_part_where_their_bytes_do(run):
    one, other = digest_of(run, 0, 0), digest_of(run, 0, 1)
    assert len(one.rolling) == len(other.rolling) == 4
    assert one.rolling[0] == other.rolling[0]
    assert one.rolling[1:] != other.rolling[1:]
