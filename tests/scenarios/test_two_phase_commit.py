"""Two-phase commit: the numbers of states that are known from elsewhere, and what an impatient one does."""

import pytest

from actors.explore.replay import replay
from actors.explore.token import decode
from actors.explore.verification import Demand, verify
from scenarios.two_phase_commit import CONSISTENT, two_phase_commit


def verified(**parameters):
    return verify(two_phase_commit, {"rms": 3, "impatient": False, **parameters}, Demand())


@pytest.mark.parametrize(("rms", "states"), [(3, 288), (5, 8_832)])
def test_it_has_as_many_states_as_the_example_that_it_follows(rms, states):
    found = verified(rms=rms)
    assert (found.verdict, found.states) == ("proved", states)


@pytest.mark.full
def test_so_it_has_with_seven():
    assert verified(rms=7).states == 296_448


def explicit(rms):
    """Count the states of the specification itself: its seven actions, over plain tuples."""
    first = ("init", (False,) * rms, ("working",) * rms, frozenset())
    seen, stack = {first}, [first]

    def put(values, place, value):
        return (*values[:place], value, *values[place + 1 :])

    while stack:
        tm, heard, states, sent = stack.pop()
        after = []
        if tm == "init":
            after.append(("aborted", heard, states, sent | {"abort"}))
            if all(heard):
                after.append(("committed", heard, states, sent | {"commit"}))
        for rm in range(rms):
            if tm == "init" and rm in sent:
                after.append((tm, put(heard, rm, True), states, sent))
            if states[rm] == "working":
                after.append((tm, heard, put(states, rm, "prepared"), sent | {rm}))
                after.append((tm, heard, put(states, rm, "aborted"), sent))
            for message, state in (("commit", "committed"), ("abort", "aborted")):
                if message in sent:
                    after.append((tm, heard, put(states, rm, state), sent))
        stack += [state for state in dict.fromkeys(after) if state not in seen]
        seen.update(after)
    return len(seen)


@pytest.mark.parametrize("rms", range(1, 5))
def test_it_has_as_many_states_as_the_specification(rms):
    assert verified(rms=rms).states == explicit(rms)


def test_one_that_is_impatient_aborts_what_another_commits():
    found = verified(impatient=True)
    assert found.recorded is not None
    assert found.recorded.names == (CONSISTENT,)
    # Each prepares and is heard of, the manager commits; one is told so, and one has given up.
    assert len(found.recorded.record.steps) == 9
    labels = [step.outcome for step in found.recorded.record.steps]
    assert "choose abort" in labels
    assert "receive commit" in labels
    assert replay(two_phase_commit, decode(found.recorded.token)).record == found.recorded.record


def test_nobody_disagrees_with_himself():
    assert verified(rms=1, impatient=True).verdict == "proved"
