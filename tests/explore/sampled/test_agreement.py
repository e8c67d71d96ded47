"""Each walk on tables, alone or one of a batch, is the same execution on Trio: step for step, and to the digest."""

import pytest
import trio
from hypothesis import strategies as st

from actors.explore.sampled.counting import Counts, count
from actors.explore.sampled.rows import Rows
from actors.explore.stopping import never
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.tables.tables import Tables
from actors.runtime.loading import built_in
from actors.runtime.schedule import Follow, FollowLog
from tests.drawn import both
from tests.explore.told import NotedColumns, of_tables, of_trio
from tests.runtime.generated import build, programs
from tests.system.generated import build_machine, machines

LIMIT = 60


def check_alone(make, seed, many, limit=LIMIT):
    """Walk one after another, so that the later ones meet states that the earlier ones have."""
    tables = Tables(make())
    rows, walk, mine = Rows(tables), RandomWalk(seed), []
    for number in range(1, many + 1):
        walk.begin(number)
        rows.run(walk, limit, never)
        path = [(offer.node, move) for offer, move in rows.path]
        facts = (rows.steps, rows.ending, rows.violated, frozenset(rows.met))
        mine.append((of_tables(tables, path), facts, rows.choices))
    theirs = trio.run(of_trio, make(), [Follow(choices) for _, _, choices in mine], limit)
    for (steps, facts, _), there in zip(mine, theirs, strict=True):
        assert there.facts == facts
        assert there.steps == steps
    tables.close()


def check_batch(make, seed, many, limit=LIMIT, *, uniform=False):
    """Walk many at once; each, as (program, outcome) one after the other, goes the same way on Trio."""
    world = make()
    tables = Tables(world)
    counts = count(tables, most=2000) if uniform else None
    if uniform and not (isinstance(counts, Counts) and counts.total < 2**62):
        tables.close()
        return
    names = tuple(one.name for one in world.conditions if one.mode == "sometimes")
    columns = NotedColumns(tables, names, counts)
    walked = columns.walk(seed, 1, many, limit)
    paths = columns.paths(walked)
    logs = [[(node.name, outcome) for node, outcome, _ in path] for path in paths]
    theirs = trio.run(of_trio, make(), map(FollowLog, logs), limit)
    again = trio.run(of_trio, make(), [Follow(one.choices) for one in theirs], limit)
    violated = set(walked.violated)
    for number, (path, there, twice) in enumerate(zip(paths, theirs, again, strict=True), 1):
        assert there.steps == of_tables(tables, [(node, move) for node, _, move in path])
        assert there.facts[0] == len(path) == walked.steps[number - 1]
        assert (there.facts[1] == "violated") == (number in violated)
        assert (twice.digest, twice.facts) == (there.digest, there.facts)
    assert columns.met(walked) == set().union(*(one.facts[3] for one in theirs))
    assert sum(one.facts[1] == "limit" for one in theirs) == walked.undecided
    for place, broken in columns.shortest(walked):
        assert theirs[place].facts[2] == broken
    tables.close()


@both(40, 120, programs, st.integers(0, 1000))
def test_one_by_one_on_generated_worlds(drawn, seed):
    check_alone(lambda: build(drawn), seed, 4)


@both(20, 60, programs, st.integers(0, 2**64))
def test_in_batches_on_generated_worlds(drawn, seed):
    check_batch(lambda: build(drawn), seed, 12)


@both(12, 30, programs, st.integers(0, 2**64))
def test_in_uniform_batches_on_generated_worlds(drawn, seed):
    check_batch(lambda: build(drawn), seed, 8, 1000, uniform=True)


@both(8, 25, machines, st.integers(0, 1000))
def test_one_by_one_on_generated_machines(drawn, seed):
    check_alone(lambda: build_machine(drawn), seed, 3, 300)


@both(4, 12, machines, st.integers(0, 1000))
def test_in_batches_on_generated_machines(drawn, seed):
    check_batch(lambda: build_machine(drawn), seed, 6, 300)


CASES = [
    pytest.param(
        scenario,
        case,
        id=f"{scenario.name}-{'-'.join(map(str, case.parameters.values()))}",
        marks=[pytest.mark.full] if number % 4 else [],
    )
    for scenario in built_in("scenarios").values()
    for number, case in enumerate(scenario.cases)
]
"""The first of each scenario and each fourth in the ordinary run."""


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_on_every_case_of_every_scenario(scenario, case):
    check_alone(lambda: scenario(**case.parameters), 0, 3, 1000)
    check_batch(lambda: scenario(**case.parameters), 1, 4, 1000)
