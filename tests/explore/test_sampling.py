"""Sampling: when it stops, what it keeps, what it says it covered, and that findings are confirmed."""

import pytest
import trio

from actors.explore.packing import unpack
from actors.explore.recording import execute
from actors.explore.sampled.coroutines import Chosen
from actors.explore.sampling import Wanted, explore
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.token import decode
from actors.runtime import World, scenario
from actors.runtime.errors import Nondeterminism, VmraceError


def test_it_stops_at_the_first_violation(worlds):
    found = explore(worlds["lossy"], {}, Wanted(seed=1))
    assert found.verdict == "violated"
    assert found.violated == ("count: AssertionError",)
    assert found.kind == "symptom"
    assert found.violations == 1
    (finding,) = found.findings
    assert finding.execution == found.executions < 50
    assert finding.recorded.record.violation.text.startswith("2 increments, and the counter is 1")


def test_without_a_violation_it_does_all_executions_and_says_what_it_met(worlds):
    found = explore(worlds["lossy"], {"n": 1, "unmet": True}, Wanted(executions=20))
    assert (found.verdict, found.executions, found.violated, found.kind) == ("not found", 20, (), None)
    assert found.sometimes == {"somebody stands between": True, "somebody flies": False}
    assert found.steps == 20 * 5
    assert found.model == "actors exchanging messages; n=1, checked=false, unmet=true; sequential consistency"


def test_the_same_seed_finds_the_same_and_another_another(worlds):
    def tokens(seed):
        found = explore(worlds["lossy"], {"n": 3}, Wanted(seed=seed))
        return [finding.recorded.token for finding in found.findings]

    assert tokens(3) == tokens(3)
    assert len({*tokens(3), *tokens(4), *tokens(5)}) > 1


def test_keep_going_keeps_the_shortest_of_each_set_of_names(worlds):
    wanted = Wanted(seed=2, executions=400, keep_going=True)
    found = explore(worlds["family"], {}, wanted)
    assert found.executions == 400
    assert found.violations == 400
    assert set(found.violated) == {"deadlock", "parent: AssertionError"}
    assert [len(finding.recorded.record.steps) for finding in found.findings] in ([3, 4], [4, 3])


def test_the_shortest_is_kept(worlds):
    first = explore(worlds["fails_late"], {}, Wanted(seed=1)).findings[0].recorded
    found = explore(worlds["fails_late"], {}, Wanted(seed=1, executions=100, keep_going=True))
    (finding,) = found.findings
    assert len(first.record.steps) > 2 == len(finding.recorded.record.steps)
    assert finding.execution > 1


def test_an_execution_does_not_depend_on_those_before_it(worlds):
    wanted = Wanted(seed=1, executions=100, keep_going=True, strategy="random")
    found = explore(worlds["fails_late"], {}, wanted).findings[0]
    alone = RandomWalk(1)
    alone.begin(found.execution)
    assert trio.run(execute, worlds["fails_late"], {}, Chosen(alone)) == found.recorded


def test_conditions_that_are_not_selected_do_not_hide_the_others(worlds):
    everything = explore(worlds["lossy"], {"n": 3, "checked": True}, Wanted(executions=50, keep_going=True))
    assert "the counter stays below two" in everything.violated
    assert everything.findings[0].recorded.record.violation.kind == "hygiene"
    nothing = explore(
        worlds["lossy"], {"n": 1, "checked": True}, Wanted(executions=5, conditions=("the counter",))
    )
    assert nothing.verdict == "not found"


def test_an_unknown_condition_is_refused_before_anything_runs(worlds):
    with pytest.raises(VmraceError, match="no condition is called 'nothing'"):
        explore(worlds["lossy"], {"checked": True}, Wanted(conditions=("nothing",)))


def test_an_execution_that_the_limit_ends_leaves_the_verdict_open(worlds):
    found = explore(worlds["never_ends"], {}, Wanted(executions=3, limit=40))
    assert (found.verdict, found.undecided, found.steps) == ("inconclusive", 3, 120)


def test_a_violation_outweighs_executions_that_the_limit_ended(worlds):
    wanted = Wanted(executions=50, limit=7, keep_going=True)
    found = explore(worlds["lossy"], {"n": 3, "checked": True}, wanted)
    assert found.undecided
    assert found.verdict == "violated"


@pytest.mark.parametrize("after", [0, 1, 57])
def test_somebody_asks_to_stop(worlds, after):
    done = []
    found = explore(
        worlds["lossy"],
        {"n": 1},
        Wanted(executions=1000),
        stop=lambda: len(done) >= after,
        progress=done.append,
    )
    assert found.stopped
    assert found.executions == after == len(done)
    assert found.verdict == "inconclusive"


def test_stopping_does_not_wait_for_the_end_of_an_execution(worlds):
    asked = iter([False] * 500)
    found = explore(worlds["never_ends"], {}, Wanted(limit=10**9), stop=lambda: next(asked, True))
    assert (found.stopped, found.executions) == (True, 0)


def test_what_was_found_before_somebody_stopped_it_is_reported(worlds):
    done = []
    wanted = Wanted(executions=1000, keep_going=True)
    found = explore(worlds["family"], {}, wanted, stop=lambda: len(done) >= 20, progress=done.append)
    assert found.stopped
    assert found.verdict == "violated"


BUILDS = []


async def works(x):
    await x.store(1)


async def breaks(x):
    await x.store(1)
    assert False  # noqa: B011, PT015  # the failure is the point


@scenario()
def breaks_once() -> World:
    """A world that is another one when it is built for the third time: exploring builds it twice to compare."""
    world = World()
    BUILDS.append(1)
    world.program(breaks if len(BUILDS) <= 2 else works, world.variable("x", 0), name="p")
    return world


def test_a_finding_that_does_not_come_out_the_same_again_is_none():
    BUILDS.clear()
    found = explore(breaks_once, {}, Wanted())
    assert found.findings == ()
    assert found.verdict == "inconclusive"
    (lost,) = found.unreproduced
    assert lost.names == ("p: AssertionError",)
    assert lost.why == "nothing violated after 1 steps, not 1"


SEEN = []


async def remembers(x):
    SEEN.append(1)
    await x.store(len(SEEN))


@scenario()
def not_deterministic() -> World:
    """A program that counts how often it ran."""
    world = World()
    world.program(remembers, world.variable("x", 0))
    return world


def test_a_sample_is_checked_for_determinism():
    with pytest.raises(Nondeterminism, match="remembers"):
        explore(not_deterministic, {}, Wanted())


def test_progress_is_told_of_each_execution(worlds):
    done = []
    explore(worlds["lossy"], {"n": 1}, Wanted(executions=4), progress=done.append)
    assert done == [1, 2, 3, 4]


def test_the_token_holds_the_choices_of_the_finding(worlds):
    (finding,) = explore(worlds["family"], {}, Wanted(seed=1)).findings
    body = decode(finding.recorded.token)
    assert body.scenario == "family"
    assert body.steps == len(finding.recorded.record.steps)
    assert len(unpack(body.choices, 100)) <= 2 * body.steps
