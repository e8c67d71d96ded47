"""Sets: their order is another in each process, so a program that goes through one is found in its code."""

import os
import subprocess
import sys
import textwrap
from typing import Any

import msgspec
import pytest

from actors.runtime.errors import Nondeterminism
from tests.runtime.soundness.worlds import a_world


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
