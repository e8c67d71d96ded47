"""The command line, called in this process or started as a new one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.cli import main

ROOT = Path(__file__).parents[2]

RACE = '''
from actors.runtime import World, scenario


async def add(x):
    await x.store(await x.load() + 1)


async def check(x, y):
    await y.wait_for(2)
    assert await x.load() == 2, "an increment was lost"


async def both(x, y):
    await add(x)
    await y.fetch_add(1)


@scenario()
def my_race(top: int = 2) -> World:
    """Is it lost?"""
    world = World()
    x, y = world.variable("x", 0), world.variable("y", 0)
    world.program(both, x, y, name="a")
    world.program(both, x, y, name="b")
    world.program(check, x, y)
    return world
'''


@pytest.fixture
def vmrace(capsys):
    """Call the command line: exit status, standard output, standard error."""

    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def vmrace_json(vmrace):
    """Call it with --json: exit status and the object."""

    def call(*arguments):
        status, out, _ = vmrace(*arguments, "--json")
        assert out.count("\n") == 1
        return status, json.loads(out)

    return call


@pytest.fixture
def start():
    """Start the command line as a process of its own."""

    def call(*arguments, hash_seed="random", stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        return subprocess.Popen(
            [sys.executable, "-m", "actors.cli", *arguments],
            env={**environment, **more},
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    return call


@pytest.fixture
def race(tmp_path):
    """A user's own file."""
    path = tmp_path / "race.py"
    path.write_text(RACE)
    return path
