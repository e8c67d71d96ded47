"""Executions of small worlds under a strategy, one after another, on tables."""

import pytest

from actors.explore.sampled.rows import Rows
from actors.explore.stopping import never
from actors.explore.strategies import Setting, make
from actors.explore.tables.tables import Tables
from actors.runtime.loading import built_in, load


class Ran:
    """One execution: who took each step, its choices, and how it ended."""

    def __init__(self, rows):
        self.programs = tuple(offer.program for offer, _ in rows.path)
        self.outcomes = tuple(offer.moves.index(move) for offer, move in rows.path)
        self.choices = tuple(rows.choices)
        self.ending, self.violated = rows.ending, rows.violated

    @property
    def order(self):
        return (self.programs, self.outcomes)


@pytest.fixture(scope="session")
def ran():
    """Run executions of a world under a strategy, by its name or itself."""

    def run(world, strategy, executions, *, seed=1, windows=(), limit=1000):
        tables = Tables(world)
        rows = Rows(tables)
        made = make(strategy, seed, Setting(tables, windows)) if isinstance(strategy, str) else strategy
        found = []
        for number in range(1, executions + 1):
            made.begin(number)
            rows.run(made, limit, never)
            found.append(Ran(rows))
        tables.close()
        return found

    return run


@pytest.fixture(scope="session")
def w1():
    return built_in("scenarios")["w1"]


@pytest.fixture(scope="session")
def zoo(request):
    folder = request.config.rootpath / "tests" / "zoo"
    return lambda name: load(f"{folder / name}.py", "scenarios")
