"""Verifying: verdicts, what is confirmed on Trio, and what is refused."""

import itertools
import sys

import pytest

from actors.explore import verification
from actors.explore.covered import Covered
from actors.explore.proving.search import Search
from actors.explore.replay import replay
from actors.explore.token import decode
from actors.explore.verification import Demand, verify
from actors.runtime import World, become, scenario, spawn
from actors.runtime.errors import ModelError, Nondeterminism, VmraceError
from actors.runtime.loading import built_in

SCENARIOS = built_in("scenarios")


def verified(name, demand=None, **given):
    return verify(SCENARIOS[name], SCENARIOS[name].convert(given), demand or Demand())


def test_a_proof_says_what_was_covered_and_what_was_never_run():
    found = verified("w1", fixed="true")
    assert (found.verdict, found.states, found.transitions) == ("proved", 228, 261)
    assert found.recorded is None
    assert found.collision == 0.0  # a small world's states are told apart by what they are
    assert all(found.sometimes.values())
    assert [line.partition(": ")[2] for line in found.unexecuted] == [
        'await cpu.send(Line("T3"))',
        "await cpu.lock.acquire()",
        "seen = await shared.load()",
        "await shared.store(seen + 1)",
        'await cpu.send(Line("T7"))',
    ]
    large = verified("w1", Demand(confirm=True), fixed="true")
    assert (large.states, large.transitions, large.verdict) == (228, 261, "proved")
    assert 0 < large.collision < 1e-14


async def changed(x, other):
    await x.load()
    if other:
        await x.store(1)  # variant
    if other:
        await x.store(2)
        await x.store(
            3  # variant
        )


@scenario()
def variants(other: bool = False) -> World:
    """Is a step that only a variant has one that a proof must have run?"""
    world = World()
    world.program(changed, world.variable("x", 0), other)
    return world


def test_a_step_that_only_a_variant_has_is_no_part_of_what_was_to_be_run():
    never = verify(variants, {"other": False}, Demand()).unexecuted
    assert [line.partition(": ")[2] for line in never] == ["await x.store(2)", "await x.store("]
    assert verify(variants, {"other": True}, Demand()).unexecuted == ()


def test_a_second_search_that_is_not_ended_confirms_nothing():
    looks = []
    first = verify(
        SCENARIOS["w1"], {"cpus": 1, "fixed": True}, Demand(states=10**6), lambda _: not looks.append(1)
    )
    assert first.confirmed is None
    left = [True] * len(looks)
    found = verify(
        SCENARIOS["w1"], {"cpus": 1, "fixed": True}, Demand(confirm=True), lambda _: bool(left and left.pop())
    )
    assert (found.verdict, found.limit, found.confirmed) == ("inconclusive", "stopped", False)
    assert found.states == first.states == 228


def test_a_second_search_that_is_ended_confirms():
    assert verified("w1", Demand(confirm=True), fixed="true").confirmed
    assert verified("w1", Demand(confirm=True)).confirmed


def test_both_searches_share_the_seconds(monkeypatch):
    asked = []

    class Asked(Search):
        def __init__(self, *args, **options):
            asked.append(options["bounds"].seconds)
            super().__init__(*args, **options)

    monkeypatch.setattr("actors.explore.proving.search.Search", Asked)
    assert verified("w1", Demand(confirm=True, seconds=100.0), fixed="true").verdict == "proved"
    first, second = asked
    assert second < first == 100.0


def test_a_violation_is_the_shortest_and_its_token_replays():
    found = verified("lost_update")
    assert found.verdict == "violated"
    assert found.broken == ("every increment counts",)
    assert len(found.recorded.record.steps) == 6
    again = replay(SCENARIOS["lost_update"], decode(found.recorded.token))
    assert again.record == found.recorded.record


def test_a_deadlock_is_a_violation_of_its_own():
    found = verified("dining_philosophers")
    assert found.recorded.names == ("deadlock",)
    assert len(found.recorded.record.steps) == 3


def test_going_on_finds_all_that_can_break():
    first, all_ = verified("w1"), verified("w1", Demand(keep_going=True))
    assert (first.states, all_.states) == (34, 198)
    assert first.broken == ("task0 reads its own bit",)
    assert all_.broken == ("guest0 reads its own bit", "task0 reads its own bit")
    assert all_.recorded.record.steps == first.recorded.record.steps


def test_conditions_can_be_chosen():
    found = verified("w1", Demand(conditions=("guest0",)))
    assert found.recorded.names == ("guest0 reads its own bit",)
    with pytest.raises(VmraceError, match="no condition is called 'nobody'"):
        verified("w1", Demand(conditions=("nobody",)))


def test_a_limit_is_inconclusive():
    found = verified("w1", Demand(states=20), fixed="true")
    assert (found.verdict, found.limit) == ("inconclusive", "states")
    assert 20 <= found.states < 228


async def idle(x):
    await x.load()


@scenario
def nothing_happens() -> World:
    """Does anything happen?"""
    world = World()
    x = world.variable("x", 0)
    world.program(idle, x)
    world.sometimes("x becomes 1", bool, x)
    return world


def test_what_never_met_its_sometimes_is_vacuous():
    found = verify(nothing_happens, {}, Demand())
    assert (found.verdict, found.sometimes) == ("vacuous", {"x becomes 1": False})


COUNT = itertools.count()


async def counts(x):
    await x.load()
    await x.store(next(COUNT))


@scenario
def counting() -> World:
    """Does a program that counts its runs stay unnoticed?"""
    world = World()
    x = world.variable("x", 0)
    world.program(counts, x)
    world.program(idle, x, name="other")
    return world


def test_a_program_that_is_not_deterministic_is_named():
    with pytest.raises(
        Nondeterminism, match="program counts is not deterministic: step 2 of it was store x 0"
    ):
        verify(counting, {}, Demand())


async def child(x):
    await x.store(1)


async def spawns_twice(x):
    await spawn(child, x, name="c")
    await spawn(child, x, name="c")


async def spawns_by_place(x, n):
    await x.load()
    if n == 0:
        await spawn(child, x)
    return become(spawns_by_place, x, n - 1) if n else None


@scenario
def spawning(which: int = 0) -> World:
    """Is a misused spawn noticed?"""
    world = World()
    x = world.variable("x", 0)
    if which == 0:
        world.program(spawns_twice, x)
    elif which == 1:
        world.program(spawns_by_place, x, 1)
    else:
        world.program(spawns_by_place, x, 0)
        world.program(spawns_by_place, x, 0, name="other")
    return world


def test_a_misused_spawn_is_refused_as_on_trio():
    with pytest.raises(ModelError, match="there are two programs called 'spawns_twice"):
        verify(spawning, {"which": 0}, Demand())
    with pytest.raises(ModelError, match="a spawn after `become` or in a routine needs a name"):
        verify(spawning, {"which": 1}, Demand())
    assert verify(spawning, {"which": 2}, Demand()).verdict == "proved"


def test_a_finding_that_trio_does_not_confirm_is_none(monkeypatch):
    def wrong(tables, demand, progress):
        return Covered(1, 0, 0, frozenset(), frozenset({"every increment counts"}), [("worker0", 0)])

    monkeypatch.setattr(verification, "_search", wrong)
    found = verified("lost_update")
    assert found.recorded is None
    assert found.verdict == "inconclusive"
    assert "on Trio, not 1" in found.unreproduced.why


def test_a_log_that_trio_cannot_follow_is_none_either(monkeypatch):
    def wrong(tables, demand, progress):
        return Covered(1, 0, 0, frozenset(), frozenset({"x"}), [("nobody", 0)])

    monkeypatch.setattr(verification, "_search", wrong)
    assert "whose message is not enabled" in verified("lost_update").unreproduced.why


def test_fingerprints_that_disagree_are_reported(monkeypatch):
    from actors.explore.proving.fingerprints import Fingerprinting

    def poor(self, column, most):
        import numpy as np

        return np.arange(most + 1, dtype=np.uint64) << np.uint64(column % (4 * int(self._seed)))

    monkeypatch.setattr(Fingerprinting, "words", poor)
    with pytest.raises(VmraceError, match="two fingerprints disagree"):
        verified("w1", Demand(confirm=True), fixed="true")


def test_a_small_world_needs_no_numpy():
    import subprocess

    code = (
        "import sys\n"
        "from actors.cli import main\n"
        "assert main(['verify', 'lost_update', '--json']) == 1\n"
        "assert 'numpy' not in sys.modules\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
