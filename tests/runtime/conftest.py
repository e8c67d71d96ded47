"""What tests of the runtime share: running a world once, random choices, and the line of a mark in the test's own source."""

# ruff: noqa: ARG002  # a chooser is asked with more than it needs

import random
from pathlib import Path

import pytest
import trio

from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.schedule import Default
from actors.runtime.watchdog import Watchdog


class Uniform:
    """Each enabled program, and each outcome, with the same probability."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def program(self, execution, enabled):
        return self._random.randrange(len(enabled))

    def outcome(self, execution, running, count):
        return self._random.randrange(count)


@pytest.fixture(scope="session")
def uniform():
    return Uniform


@pytest.fixture
def run():
    """Run a world once in a `trio.run` of its own."""

    def run_once(world, chooser=None, **options):
        async def main():
            async with open_driver(world) as driver:
                return await driver.run(chooser or Default(), **options)

        return trio.run(main)

    return run_once


@pytest.fixture
def run_free():
    """Run a world once, free-running, and return its log."""

    def run_once(world, seed="1", **options):
        async def main():
            async with open_driver(world) as driver:
                return await driver.run_free(seed, **options)

        return trio.run(main)

    return run_once


@pytest.fixture
def line(request):
    """Return `file:line` of the line of the test's file that ends with this mark."""

    def find(mark):
        lines = Path(request.path).read_text(encoding="utf-8").splitlines()
        (number,) = [number for number, text in enumerate(lines, 1) if text.endswith(f"# {mark}")]
        return f"{request.path}:{number}"

    return find


@pytest.fixture
def short_watch(monkeypatch):
    """Let the watchdog bite after a fraction of a second; it takes notice at the end of its present pause."""
    monkeypatch.setattr(Watchdog, "limit", 0.2)
