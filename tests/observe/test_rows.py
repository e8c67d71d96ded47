"""What a step says in one line."""

import pytest

from actors.observe.rows import matters, row, says, symptom
from protocol.records import Violation


def test_function_step_reply_and_changes(make_step, changed):
    one = make_step(
        "a", "xchg", changed("0", "1", cell="x"), changed("a", "b", field="msrs.XFD"), reply="0", function="g"
    )
    assert row(one) == "g: xchg = 0  x 0 -> 1, XFD a -> b"


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ((("window", "True"),), "[window]"),
        ((("window", "False"),), "[not window]"),
        ((("window", "None"),), "[not window]"),
        ((("seen", "3"), ("window", "True")), "[seen=3] [window]"),
    ],
)
def test_labels(make_step, labels, shown):
    assert says(make_step("a", "nop", labels=labels)) == f"nop  {shown}"


def test_an_outcome_is_shown_unless_the_reply_says_it(make_step):
    assert says(make_step("a", "wrmsr", outcome="tiles lost")) == "wrmsr  (tiles lost)"
    assert says(make_step("a", "choose", outcome="2", reply="2")) == "choose = 2"


def test_what_matters(make_step, changed):
    assert not matters(make_step("a", "nop"))
    assert matters(make_step("a", "nop", changed("0", "1")))


def test_the_symptom_line_by_line():
    told = Violation(("c",), "symptom", "BUG: first\nRIP: second")
    assert list(symptom(told)) == ["=> BUG: first", "=> RIP: second"]


def test_several_conditions_without_words():
    assert list(symptom(Violation(("a", "b"), "symptom", "a; b"))) == ["=> violated: a; b"]
