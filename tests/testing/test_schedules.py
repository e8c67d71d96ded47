"""`@given(schedules(world))`: what a run says, that it is the same on Trio, how it shrinks, and what is refused."""

import gc
import random
import sys

import pytest
import trio
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st

from actors.explore.replay import replay
from actors.explore.token import decode
from actors.runtime import RETRY, Label
from actors.runtime.devices.variable import Store
from actors.runtime.loading import built_in
from actors.testing import player as playing
from actors.testing import schedules
from tests.runtime.generated import build, programs
from tests.testing.fewest import fewest_switches
from tests.testing.worlds import endless, of, overdraft, shouts, throws, unsure
from tests.zoo import lost_update as zoo_lost_update
from tests.zoo import reorder as zoo_reorder

FEW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
SEARCH = settings(max_examples=1000, deadline=None, database=None, phases=(Phase.generate, Phase.shrink))


def violating(strategy, seed, wanted=lambda run: bool(run.violated), most=SEARCH):
    return find(strategy, wanted, settings=most, random=random.Random(seed))


def any_run(_):
    return True


def no_run(_):
    return False


# What a run says.


@FEW
@given(schedules(overdraft))
def test_a_run_says_how_it_went(run):
    balance = run["balance"]
    assert run["balance"] == run[next(iter(overdraft().cells))]
    assert (balance < 0) == bool(run.violated)
    assert run.verdict == ("violated" if run.violated else "not found")
    assert run.steps == len(run.programs) == len(run.taken)
    assert run.switches == sum(a != b for a, b in zip(run.programs, run.programs[1:], strict=False))
    assert run.met == {"money is withdrawn"}
    stores = [one for one in run.taken if type(one.message) is Store]
    assert stores[-1].message == Store(balance)
    assert {one.device for one in run.taken} == {"balance"}
    assert all(one.reply is not RETRY for one in run.taken)
    assert {one.program for one in stores} <= {who for who in run.programs if run[Label(who, "granted")]}


@FEW
@given(schedules(overdraft, amount=30))
def test_parameters_are_the_worlds(run):
    run.check()
    assert run["balance"] in {10, 40, 70}


def test_what_names_no_cell_is_refused():
    run = find(schedules(overdraft), any_run, settings=FEW)
    with pytest.raises(KeyError, match="there is no cell called 'balanse'"):
        run["balanse"]
    with pytest.raises(TypeError, match="int names neither"):
        run[3]


def test_check_raises_where_something_is_violated():
    run = violating(schedules(overdraft), 1)
    with pytest.raises(AssertionError, match=r"^the balance is never negative$"):
        run.check()


def test_conditions_limit_what_is_checked():
    run = violating(schedules(overdraft, amount=90, conditions="the balance is hardly"), 1)
    assert run.violated == ("the balance is hardly negative",)
    assert run["balance"] == -170
    assert replay(overdraft, decode(run.token)).names == run.violated


def test_the_limit_on_steps_ends_an_execution_undecided():
    run = find(schedules(of(endless), limit=7), any_run, settings=FEW)
    assert (run.verdict, run.steps, run.violated, run.token) == ("inconclusive", 7, (), "")


# That it is an execution of the world.


@FEW
@given(st.data(), programs)
def test_a_run_is_the_same_execution_on_trio(data, drawn):
    """Of generated worlds: with spawns, choices, background programs, deadlocks and failing programs."""
    assume(not all(background for _, background in drawn))
    run = data.draw(schedules(build(drawn), limit=60))
    recorded = run.recorded
    assert recorded.names == run.violated
    assert [step.program for step in recorded.record.steps] == list(run.programs)
    assert [step.outcome for step in recorded.record.steps] == [one.outcome for one in run.taken]
    assert {name for name, met in recorded.sometimes.items() if met} == run.met


@pytest.mark.parametrize("large", [1, playing.LARGE])
def test_the_same_draws_are_the_same_run_whatever_the_tables_know(monkeypatch, large):
    """As Hypothesis wants it: here each execution twice, with tables that grow, or are emptied each time."""
    monkeypatch.setattr(playing, "LARGE", large)
    drawn = []

    def note(run):
        drawn.append((run.choices, run.programs, run.violated, run["x"]))
        return False

    def again(seed):
        drawn.clear()
        world = of(throws, throws, choice=True)
        with pytest.raises(Exception, match="No examples found"):
            violating(schedules(world), seed, note, settings(SEARCH, max_examples=40))
        return list(drawn)

    assert again(5) == again(5)
    assert len({choices for choices, *_ in drawn}) > 20


def test_every_kind_of_choice_is_drawn():
    """Orders and outcomes: what can be reached, is."""
    seen = set()

    def note(run):
        seen.add(run["x"])
        return False

    with pytest.raises(Exception, match="No examples found"):
        violating(schedules(of(throws, choice=True)), 1, note, settings(SEARCH, max_examples=400))
    assert seen == set(range(7))


# How it shrinks.

NAMED = [
    (zoo_lost_update.lost_update, {"threads": 2, "increments": 1}),
    (zoo_reorder.reorder, {"n": 3}),
    (built_in("scenarios")["lost_update"], {"n": 3}),
    (built_in("scenarios")["w1"], {}),
    (built_in("scenarios")["dining_philosophers"], {}),
    (built_in("scenarios")["xfd_not_loaded"], {}),
    (built_in("scenarios")["tile_state_survives"], {"xfd_set": "undefined"}),
]


@pytest.mark.parametrize(("scenario", "given"), NAMED, ids=lambda one: getattr(one, "name", ""))
def test_what_it_finds_shrinks_to_few_context_switches(scenario, given):
    fewest = fewest_switches(scenario(**given))
    run = violating(schedules(scenario, **given), 1)
    assert fewest <= run.switches <= fewest + 2


def test_the_first_outcome_and_the_default_order_are_the_simplest():
    simplest = find(schedules(of(throws, throws, choice=True)), any_run, settings=SEARCH)
    assert set(simplest.choices) == {0}
    assert simplest.switches == 1
    one = find(schedules(of(throws, throws, choice=True)), lambda run: run["x"] > 0, settings=SEARCH)
    assert (one["x"], one.switches) == (1, 1)


# As a person reads it.


def test_it_is_shown_by_its_chart_with_what_replays_it():
    shown = repr(violating(schedules("w1"), 1))
    assert shown.startswith("<w1: task0 reads its own bit (6 steps, 3 context switches)\n\n")
    assert "\nguest0  sched0  vcpu0  task0\n" in shown
    assert "vmrace replay v1.w1." in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_world_of_the_tests_own_has_no_token_that_a_command_could_replay():
    shown = repr(violating(schedules(overdraft()), 1))
    assert shown.startswith("<world: the balance is never negative (6 steps, 2 context switches)\n\n")
    assert "Token" not in shown


def test_a_chart_can_be_drawn_where_trio_runs_already():
    run = violating(schedules(overdraft), 1)

    async def main():
        return run.chart

    assert "the balance is never negative" in trio.run(main)


# What is refused.


@pytest.mark.parametrize(
    ("strategy", "complaint"),
    [
        (lambda: schedules("overdaft"), "no scenario is called 'overdaft'"),
        (
            lambda: schedules(overdraft, amont=3),
            "scenario overdraft has no parameter 'amont'; did you mean amount?",
        ),
        (
            lambda: schedules(overdraft(), amount=3),
            "a World has no parameters, such as amount; give what builds it",
        ),
        (lambda: schedules(overdraft, conditions=("the balance",)), "2 conditions begin with 'the balance'"),
        (lambda: schedules(3), "give a scenario or the name of one, not int"),
        (lambda: schedules(lambda: 3), "returned int, not a World"),
    ],
)
def test_what_there_are_no_schedules_of_is_said_when_it_is_drawn(strategy, complaint):
    made = strategy()
    with pytest.raises(playing.Unplayable, match=complaint):
        find(made, any_run, settings=FEW)


def test_a_program_that_is_not_deterministic_is_reported_by_its_line_and_ends_the_test():
    made = schedules(of(unsure, unsure))
    complaint = r"program unsure1? is not deterministic: .* when run again, at .*worlds\.py:\d+;"
    for _ in range(2):
        with pytest.raises(playing.Unplayable, match=complaint):
            find(made, no_run, settings=FEW)


def test_programs_are_closed_when_nobody_draws_any_more(monkeypatch):
    """They would complain of being ended by Python otherwise, as `shouts` awaits something when it ends."""
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    made = schedules(of(shouts, shouts, endless), limit=5)
    with pytest.raises(Exception, match="No examples found"):
        violating(made, 1, no_run, settings(SEARCH, max_examples=10))
    del made
    for _ in range(3):
        gc.collect()
    assert complaints == []
