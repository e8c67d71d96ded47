"""A user's project: test files in a directory of their own, run by a pytest of its own with the plugin and without others."""

import re
import subprocess
import sys

import pytest

from tests.testing.alone import environment

WORLDS = """
from actors.runtime import World, set_label


async def withdraw(balance, amount):
    if await balance.load() >= amount:
        set_label("granted")
        await balance.store(await balance.load() - amount)


def not_negative(value):
    return value >= 0


def is_set(value):
    return bool(value)


def bank(amount, *, flies=False):
    world = World()
    balance = world.variable("balance", 100)
    made = [world.program(withdraw, balance, amount, name=who) for who in ("alice", "bob")]
    world.always("the balance is never negative", not_negative, balance)
    world.sometimes("bob gets money", is_set, made[-1].label("granted"))
    if flies:
        world.sometimes("bob flies", is_set, made[-1].label("flying"))
    return world
"""
"""`worlds.py`, which the tests of a project import: two withdrawals from an account of 100."""


class Ran:
    """What a run of pytest came to: its exit status, all that it printed, and the outcome of each test."""

    def __init__(self, status, text):
        self.status = status
        self.text = text
        self.outcomes = {
            name: outcome
            for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+?::(\S+)", text, re.MULTILINE)
        }

    def told(self, test):
        """Return what was printed of a test that failed."""
        parts = re.split(r"^_+ (\S+) _+$", self.text.partition("= short test summary")[0], flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))[test].partition("\n=====")[0].strip()


class Project:
    def __init__(self, home):
        self.home = home
        self.write("worlds.py", WORLDS)

    def write(self, name, text):
        (self.home / name).write_text(text)

    def pytest(self, *arguments, plugin=True, **variables):
        """Run pytest in the project's directory."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-rA",
            *(("-p", "actors.testing.plugin") if plugin else ()),
        ]
        ran = subprocess.run(
            [*command, *arguments],
            cwd=self.home,
            env={**environment(80), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout + ran.stderr)

    def kept(self):
        """Return the files in which failed tokens lie."""
        return sorted(self.home.glob(".pytest_cache/d/vmrace/*"))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)
