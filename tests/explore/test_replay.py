"""Replay: the same execution step for step, or a refusal that says where it parts from the token."""

import msgspec
import pytest

from actors.explore.packing import pack
from actors.explore.recording import run_once
from actors.explore.replay import replay
from actors.explore.sampling import Wanted, explore
from actors.explore.stopping import Stop
from actors.explore.token import choices_of, decode
from actors.runtime import World, scenario
from actors.runtime.errors import Divergence, VmraceError


def body_of(chosen, seed=1, **parameters):
    return decode(explore(chosen, parameters, Wanted(seed=seed)).findings[0].recorded.token)


def seeds_replayed(chosen, parameters, seeds):
    for seed in seeds:
        first = run_once(chosen, parameters, seed=seed)
        again = replay(chosen, decode(first.token))
        assert again.record.steps == first.record.steps
        assert again == first
    return len(seeds)


def test_runs_are_replayed_step_for_step(worlds):
    assert seeds_replayed(worlds["lossy"], {"n": 3}, range(60)) == 60
    assert seeds_replayed(worlds["family"], {}, range(40)) == 40


@pytest.mark.full
def test_a_thousand_runs_are_replayed_step_for_step(worlds):
    assert seeds_replayed(worlds["lossy"], {"n": 3}, range(1000)) == 1000


def test_a_finding_is_replayed_as_it_was_reported(worlds):
    recorded = explore(worlds["lossy"], {"n": 3}, Wanted(seed=4)).findings[0].recorded
    assert replay(worlds["lossy"], decode(recorded.token)) == recorded


def test_the_token_remembers_which_conditions_were_looked_at(worlds):
    lossy = worlds["lossy"]
    shown = explore(lossy, {"n": 3, "checked": True}, Wanted(executions=30, keep_going=True)).findings
    hygiene = next(one.recorded for one in shown if one.recorded.names == ("the counter stays below two",))
    assert replay(lossy, decode(hygiene.token)) == hygiene

    selected = guarded_and_unguarded()
    recorded = explore(selected, {}, Wanted(conditions=("below three",))).findings[0].recorded
    assert recorded.names == ("below three",)
    assert decode(recorded.token).only == (1,)
    assert replay(selected, decode(recorded.token)) == recorded
    everything = explore(selected, {}, Wanted()).findings[0].recorded
    assert everything.names == ("below two",), "which would have hidden the other one"


async def climb(x, top):
    for height in range(1, top + 1):
        await x.store(height)


def below_two(value):
    return value < 2


def below_three(value):
    return value < 3


def guarded_and_unguarded():
    @scenario()
    def climbing() -> World:
        """How high does it go?"""
        world = World()
        x = world.variable("x", 0)
        world.program(climb, x, 5)
        world.always("below two", below_two, x)
        world.always("below three", below_three, x)
        return world

    return climbing


# What was edited since.


async def walk(x, steps, special, value):
    for step in range(1, steps + 1):
        await x.store(value if step == special else step)
    assert steps < 0, "it ends"


def walking(steps=8, special=0, value=0):
    """A scenario of one name, in one of its editions."""

    @scenario()
    def walks() -> World:
        """Where does it go?"""
        world = World()
        world.program(walk, world.variable("x", 0), steps, special, value)
        return world

    return walks


def divergence(body, edition) -> str:
    with pytest.raises(Divergence) as raised:
        replay(edition, body)
    return str(raised.value)


@pytest.mark.parametrize("step", range(1, 9))
def test_short_tokens_say_at_which_step_they_diverge(step):
    told = divergence(body_of(walking()), walking(special=step, value=99))
    assert f"the token diverges at step {step}: what happens there is not what was recorded" in told


@pytest.mark.parametrize(
    ("step", "between"), [(1, "1 and 7"), (7, "1 and 7"), (8, "8 and 14"), (100, "99 and 100")]
)
def test_long_tokens_say_between_which_steps_they_diverge(step, between):
    body = body_of(walking(steps=100))
    assert (body.every, len(body.rolling)) == (7, 14)
    assert f"diverges between steps {between}:" in divergence(
        body, walking(steps=100, special=step, value=999)
    )


def test_an_execution_that_is_shorter_now():
    assert "diverges at step 5: what happens there is not what was recorded" in divergence(
        body_of(walking()), walking(5)
    )


def test_an_execution_that_goes_on_now():
    told = divergence(body_of(walking()), walking(steps=12))
    assert "diverges at step 8: what happens there is not what was recorded" in told


def test_a_choice_that_does_not_exist_any_more(worlds):
    body = body_of(worlds["lossy"], n=3)
    fewer = msgspec.structs.replace(body, parameters=(("n", "1"),))
    told = divergence(fewer, worlds["lossy"])
    assert "the token diverges at step" in told
    impossible = msgspec.structs.replace(body, choices=pack([9]))
    assert "at step 1: the schedule asks for number 10 of 3 enabled programs" in divergence(
        impossible, worlds["lossy"]
    )


def test_an_outcome_that_does_not_exist_any_more(worlds):
    body = body_of(worlds["family"])
    impossible = msgspec.structs.replace(body, choices=pack([0, 7]))
    assert "at step 1: the schedule asks for number 8 of 3 outcomes" in divergence(
        impossible, worlds["family"]
    )


def test_a_digest_that_differs_although_no_checkpoint_does(worlds):
    body = body_of(worlds["lossy"])
    changed = msgspec.structs.replace(body, digest=body.digest ^ 1)
    assert f"diverges at step {body.steps}" in divergence(changed, worlds["lossy"])


def test_a_condition_that_is_gone(worlds):
    body = msgspec.structs.replace(body_of(worlds["lossy"]), only=(0,))
    assert "condition 1 of its scenario, and this one has 0" in divergence(body, worlds["lossy"])


def test_a_parameter_that_is_gone():
    body = msgspec.structs.replace(body_of(walking()), parameters=(("speed", "3"),))
    with pytest.raises(VmraceError, match="scenario walks has no parameter 'speed'"):
        replay(walking(), body)


def test_somebody_asks_to_stop(worlds):
    with pytest.raises(Stop):
        replay(worlds["lossy"], body_of(worlds["lossy"]), stop=lambda: True)


def test_the_default_order_takes_over_where_the_choices_end(worlds):
    body = body_of(worlds["lossy"])
    assert len(choices_of(body)) < body.steps
    assert replay(worlds["lossy"], body).record.violation is not None


def clean(steps):
    @scenario()
    def walks() -> World:
        """Does it just end?"""
        world = World()
        world.program(climb, world.variable("x", 0), steps)
        return world

    return walks


def test_a_clean_execution_that_is_shorter_or_goes_on_now():
    token = run_once(clean(8), {}).token
    assert "diverges at step 6: it ends after step 5, and the token has 8" in divergence(
        decode(token), clean(5)
    )
    told = divergence(decode(token), clean(12))
    assert "diverges at step 9: the token's execution has ended, and this one goes on" in told
