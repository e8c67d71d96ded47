"""Machine.invariants() when some of what it would add is there, and when more comes later."""

import pytest

from actors.runtime.errors import ModelError
from actors.system import Machine
from actors.system.tasks import vector_task
from protocol.handles import Program


def machine(*secrets):
    made = Machine()
    task = made.host_task(vector_task, 7, name="T")
    other = made.host_task(vector_task, 8, name="U")
    made.interrupts(external=1)
    for value in secrets:
        made.secret(task, value)
    return made, other


def names(made):
    return sorted(condition.name for condition in made.conditions)


def test_what_is_there_is_not_added_again():
    once, _ = machine(7)
    once.invariants()
    twice, _ = machine(7)
    twice.invariants("I2", "I9")
    twice.invariants()
    twice.invariants()
    assert names(twice) == names(once)
    assert len(set(names(once))) == len(once.conditions)


def test_what_would_be_another_condition_of_that_name_is_refused():
    made, other = machine(7)
    made.invariants("I9")
    made.secret(other, 8)
    with pytest.raises(ModelError, match="I9: T finds nobody else's value in registers"):
        made.invariants("I9")


def test_what_was_refused_is_refused_again():
    made, other = machine(7)
    made.invariants("I9")
    made.secret(other, 8)
    for _ in range(3):
        with pytest.raises(ModelError, match="I9: T finds nobody else's value in registers"):
            made.invariants("I9")


def adds_a_task(made):
    made.host_task(vector_task, 9, name="V")


def adds_interrupts(made):
    made.interrupts(preemption=1)


def adds_a_secret(made):
    made.secret(Program("U"), 8)


@pytest.mark.parametrize("add", [adds_a_task, adds_interrupts, adds_a_secret])
def test_a_world_that_has_grown_behind_its_invariants_is_refused(add):
    made, _ = machine(7)
    made.invariants()
    made.check()
    add(made)
    with pytest.raises(ModelError, match="call invariants\\(\\) when all tasks, secrets and sources"):
        made.check()
