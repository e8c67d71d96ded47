"""`@explores` and `@verifies` in a user's tests: what passes, what fails, and how it is told."""

import pytest

QUESTIONS = '''
import pytest
from hypothesis import given, strategies as st

from actors.runtime import World, scenario
from actors.testing import explores, verifies
from worlds import bank


@verifies()
def test_proved():
    return bank(50)

@verifies
def test_violated():
    """Can two withdrawals overdraw the account?"""
    return bank(80)

@explores()
def test_found():
    return bank(80)

@explores
def test_not_found():
    return bank(50)

@verifies(expect="violated")
def test_wants_a_violation():
    return bank(80)

@verifies(expect="violated")
def test_wants_a_violation_in_vain():
    return bank(50)

@verifies()
def test_vacuous():
    return bank(50, flies=True)

@verifies(expect=("proved", "vacuous"))
def test_may_be_vacuous():
    return bank(50, flies=True)

@explores(executions=5)
def test_unmet():
    return bank(50, flies=True)

@explores(executions=5, expect=["not found", "vacuous"])
def test_may_be_unmet():
    return bank(50, flies=True)

@verifies(max_states=3)
def test_inconclusive():
    return bank(50)

@verifies(max_states=3, expect="inconclusive")
def test_may_be_inconclusive():
    return bank(50)

@pytest.mark.parametrize("amount", [50, 80])
@verifies()
def test_each(amount):
    return bank(amount)

@pytest.fixture
def half():
    return [50]

@verifies()
def test_fixture(half):
    return bank(half[0])

class TestBank:
    amount = 80

    @explores()
    def test_method(self):
        return bank(self.amount)

@verifies("lost_update", expect="violated")
def test_scenario_by_name(found):
    assert found.states == 28

@pytest.mark.parametrize("locked", [False, True])
@verifies("lost_update", n=2)
def test_parameter(locked, found):
    assert locked and found.verdict == "proved"

@scenario()
def overdraft(amount: int = 80) -> World:
    return bank(amount)

@explores(overdraft, amount=50, strategy="random", seed=3, executions=20)
def test_scenario(found):
    assert found.executions == 20
    assert dict(found.parameters) == {"amount": "50"}

@explores(overdraft, amount=50)
def test_own_assertion():
    assert 1 == 2, "the test's own"

@given(st.integers(1, 60))
@verifies()
def test_smallest(amount):
    return bank(amount)
'''


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    from tests.testing.conftest import Project

    project = Project(tmp_path_factory.mktemp("questions"))
    project.write("test_questions.py", QUESTIONS)
    return project.pytest("test_questions.py")


PASS = (
    "test_proved",
    "test_not_found",
    "test_wants_a_violation",
    "test_may_be_vacuous",
    "test_may_be_unmet",
    "test_may_be_inconclusive",
    "test_each[50]",
    "test_fixture",
    "test_scenario_by_name",
    "test_parameter[True]",
    "test_scenario",
)
FAIL = (
    "test_violated",
    "test_found",
    "test_wants_a_violation_in_vain",
    "test_vacuous",
    "test_unmet",
    "test_inconclusive",
    "test_each[80]",
    "TestBank::test_method",
    "test_parameter[False]",
    "test_own_assertion",
    "test_smallest",
)


def test_each_passes_or_fails_as_it_should(ran):
    assert ran.outcomes == {**dict.fromkeys(PASS, "PASSED"), **dict.fromkeys(FAIL, "FAILED")}
    assert ran.status == 1


@pytest.mark.parametrize("test", [*FAIL[:8], "test_parameter[False]"])
def test_no_failure_shows_anything_of_vmraces_own_code(ran, test):
    told = ran.told(test.replace("::", "."))
    assert "actors/" not in told
    assert "Traceback" not in told
    assert "def test" not in told
    assert (
        told.startswith(f"{test.partition('[')[0].rpartition(':')[2]}: ") or test == "test_parameter[False]"
    )


def test_a_violation_is_told_by_its_chart_token_and_command(ran):
    told = ran.told("test_violated")
    assert "test_violated: violated, the shortest counterexample has 6 steps" in told
    assert "\n\nalice  bob\n" in told
    assert "store balance -60  balance 20 -> -60" in told
    assert "=> violated: the balance is never negative" in told
    assert "Violated  the balance is never negative (symptom)" in told
    assert "pytest test_questions.py::test_violated --vmrace-replay v1.test_violated." in told


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("test_vacuous", "expects proved, and the answer is vacuous (a `sometimes` was never met)"),
        ("test_unmet", "expects not found, and the answer is vacuous (a `sometimes` was never met)"),
        ("test_inconclusive", "expects proved, and the answer is inconclusive"),
        ("test_wants_a_violation_in_vain", "expects violated, and the answer is proved"),
    ],
)
def test_what_is_no_violation_says_why_it_fails_and_what_would_accept_it(ran, test, reason):
    told = " ".join(ran.told(test).split())
    assert reason in told
    assert "would accept it." in told
    if "vacuous" in reason:
        assert "Never met bob flies" in told


def test_values_of_pytest_are_parameters_of_the_world(ran):
    assert "amount=80" in ran.told("test_each[80]")
    assert "pytest 'test_questions.py::test_each[80]' --vmrace-replay" in ran.told("test_each[80]")
    assert "lost_update: violated" in ran.told("test_parameter[False]")
    assert "n=2, locked=false" in ran.told("test_parameter[False]")


def test_a_methods_command_names_its_class(ran):
    assert "pytest test_questions.py::TestBank::test_method --vmrace-replay" in ran.told(
        "TestBank.test_method"
    )


def test_the_tests_own_assertion_is_pytests_to_tell(ran):
    told = ran.told("test_own_assertion")
    assert "AssertionError: the test's own" in told
    assert "actors/" not in told


def test_hypothesis_may_fill_arguments_in(ran):
    assert "amount=51" in ran.told("test_smallest")


WRONG = """
from hypothesis import given, strategies as st

from actors.testing import explores, verifies
from worlds import bank


@verifies("lost_updat")
def test_no_such_scenario(): ...

@verifies("lost_update", m=2)
def test_no_such_parameter(): ...

@verifies("lost_update", n="two")
def test_no_such_value(): ...

@explores("lost_update", strategy="luck")
def test_no_such_strategy(): ...

@verifies("lost_update", conditions="the moon")
def test_no_such_condition(): ...

@explores("lost_update", windows="worker0")
def test_no_such_window(): ...

@verifies("lost_update", expect="prooved")
def test_no_such_verdict(): ...

@verifies("lost_update", expect=())
def test_no_verdict(): ...

@verifies(3)
def test_no_scenario(): ...

@verifies(amount=3)
def test_no_option():
    return bank(3)

@verifies()
async def test_async():
    return bank(3)

@verifies()
@given(st.integers())
def test_given_below(amount):
    return bank(amount)

@verifies()
def test_no_world():
    bank(3)

@verifies()
def test_cannot_build():
    return bank(1 // 0)
"""

COMPLAINTS = {
    "test_no_such_scenario": "no scenario is called 'lost_updat'; did you mean lost_update",
    "test_no_such_parameter": "scenario lost_update has no parameter 'm'; it has n, locked",
    "test_no_such_value": "scenario lost_update: parameter n is a whole number, at least 1, at most 8, not 'two'",
    "test_no_such_strategy": "no strategy is called 'luck'; there are portfolio",
    "test_no_such_condition": "no condition is called 'the moon'; there are 'every increment counts'",
    "test_no_such_window": "--window takes PROGRAM.LABEL, not 'worker0'",
    "test_no_such_verdict": "expect='prooved' is no verdict; there are violated, proved",
    "test_no_verdict": "expect= accepts nothing",
    "test_no_scenario": "give a scenario or the name of one, not int",
    "test_no_option": "amount= is no option of this decorator",
    "test_async": "test_async is `async def`: programs are",
    "test_given_below": "test_given_below is decorated with @given below",
    "test_no_world": "scenario test_no_world returned NoneType, not a World",
    "test_cannot_build": "scenario test_cannot_build builds no world: ZeroDivisionError",
}


def test_what_makes_no_sense_is_said_in_one_line(project):
    project.write("test_wrong.py", WRONG)
    ran = project.pytest()
    assert ran.outcomes == dict.fromkeys(COMPLAINTS, "FAILED")
    for test, complaint in COMPLAINTS.items():
        told = ran.told(test)
        assert complaint in told
        assert "\n" not in told
