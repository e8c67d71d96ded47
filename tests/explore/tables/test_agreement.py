"""The two drivers agree step for step: on generated worlds, and on every scenario that there is."""

# ruff: noqa: ARG002  # choosers and observers are told more than these need

import random

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.loading import built_in
from actors.runtime.schedule import Follow
from actors.runtime.values import typed
from tests.explore.tables.walking import Walk
from tests.runtime.generated import build, programs

LIMIT = 60


class Noted:
    """Uniform choices on tables, and what each step was."""

    def __init__(self, seed):
        self._draw = random.Random(seed).random
        self.steps = []

    def program(self, walk, options):
        self.place = int(self._draw() * len(options))
        self._note(walk, options[self.place], 0)
        return self.place

    def outcome(self, walk, option):
        index = int(self._draw() * len(option[2]))
        self.steps.pop()
        self._note(walk, option, index)
        return index

    def _note(self, walk, option, index):
        layout = walk.graph.tables.layout
        _, node, moves = option
        row = layout.padded(walk.state.row)
        reach = walk.graph.tables.steps.reach(node, row)
        move = moves[index]
        after = walk.graph.tables.after(row, move)
        self.steps.append(
            (
                node.name,
                typed(node.pending.message),
                {cell.name: typed(layout.value(row, cell)) for cell in reach.touched.cells},
                reach.actor,
                move.label,
                typed(move.reply),
                None if move.node.pending is None else typed(move.node.pending.message),
                {cell.name: typed(layout.value(after, cell)) for cell in layout.cells},
                {name: typed(value) for name, value in move.node.labels.items()},
            )
        )


class Watched:
    """The same of each step on Trio."""

    def __init__(self):
        self.steps = []
        self._step = None

    def handled(self, execution, running, before, outcome):
        raised = outcome.label.startswith("raised ")
        self._step = (
            running,
            running.name,
            typed(running.pending.message),
            {cell.name: typed(before[cell]) for cell in before},
            running.actor,
            outcome.label,
            None if raised else typed(outcome.reply),
        )

    def settled(self, execution):
        if self._step is None:
            return
        running, *step = self._step
        self._step = None
        self.steps.append(
            (
                *step,
                None if running.pending is None else typed(running.pending.message),
                {cell.name: typed(value) for cell, value in execution.cells.items()},
                {name: typed(value) for name, value in running.labels.items()},
            )
        )


async def on_trio(world, choices, limit):
    watched = Watched()
    async with open_driver(world) as driver:
        execution = await driver.run(Follow(choices), limit=limit, observer=watched)
    return execution, watched.steps


def check(make, seeds, limit=LIMIT):
    graph = Graph(Tables(make()))
    for seed in seeds:
        noted = Noted(seed)
        walk = Walk(graph).run(noted, limit)
        execution, steps = trio.run(on_trio, make(), walk.choices, limit)
        there = [
            {**one[7], **dict.fromkeys(noted.steps[-1][7].keys() - one[7].keys(), None)} for one in steps
        ]
        for mine, theirs, cells in zip(noted.steps, steps, there, strict=True):
            wide = {**cells, **dict.fromkeys(mine[7].keys() - cells.keys())}
            assert mine[:7] == theirs[:7]
            assert {**dict.fromkeys(wide), **mine[7]} == wide
            assert mine[8] == theirs[8]
        assert walk.steps == execution.steps
        assert walk.ending == execution.ending
        assert walk.violated == (execution.violation.names if execution.violation else ())
        assert walk.met == execution.met
    graph.tables.close()


@settings(deadline=None, max_examples=200)
@given(programs, st.integers(0, 1000))
def test_on_generated_worlds(drawn, seed):
    check(lambda: build(drawn), range(seed, seed + 4))


CASES = [
    pytest.param(scenario, case, id=f"{scenario.name}-{'-'.join(map(str, case.parameters.values()))}")
    for scenario in built_in("scenarios").values()
    for case in scenario.cases
]


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_on_every_case_of_every_scenario(scenario, case):
    check(lambda: scenario(**case.parameters), range(3), limit=1000)
