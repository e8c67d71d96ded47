"""Machine.invariants() when some of what it would add is there."""

import pytest

from actors.runtime.errors import ModelError
from actors.system import Machine
from actors.system.tasks import vector_task


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
