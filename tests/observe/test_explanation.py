"""The lines that explain a violation, from records made by hand."""

import msgspec

from actors.observe.explanation import explanation_lines, flip_text, needs_text, window_text
from protocol.records import Explanation, Flip, Need, Window


def lines(**parts):
    return dict(explanation_lines(Explanation(**parts)))


def test_a_window_has_one_end_or_two(make_step):
    load, store = make_step("a", "load x", reply="0"), make_step("a", "store x 1")
    theirs = make_step("b", "store x 2")
    assert window_text(Window(load, store, theirs, theirs)) == (
        "a, after load x = 0 and before store x 1: b's store x 2"
    )
    assert window_text(Window(load, None, theirs, theirs)) == "a, after load x = 0: b's store x 2"
    assert window_text(Window(None, store, theirs, theirs)) == "a, before store x 1: b's store x 2"


def test_what_falls_into_a_window_may_be_two_steps_of_one_or_of_two(make_step):
    opens, first, last = make_step("a", "nop"), make_step("b", "load x"), make_step("b", "store x")
    assert window_text(Window(opens, None, first, last)) == "a, after nop: b's load x, store x"
    other = msgspec.structs.replace(last, column="c")
    assert window_text(Window(opens, None, first, other)) == "a, after nop: b's load x, c's store x"


def test_the_later_of_two_steps_is_named_last_and_outcomes_are_told(make_step):
    opens = make_step("a", "act", outcome="prepare")
    early, late = (
        make_step("b", "act", number=3, outcome="hear"),
        make_step("b", "act", number=4, outcome="send"),
    )
    said = "a, after act (prepare): b's act (hear), act (send)"
    assert window_text(Window(opens, None, early, late)) == said
    assert window_text(Window(opens, None, late, early)) == said


def test_ends_of_one_text_are_told_apart_by_where_they_stand(make_step):
    one = make_step("a", "L.acquire", reply="True", function="f", line=3)
    other = make_step("a", "L.acquire", reply="True", function="f", line=9)
    theirs = make_step("b", "L.acquire")
    assert window_text(Window(one, other, theirs, theirs)) == (
        "a, after L.acquire (f, line 3) and before L.acquire (f, line 9): b's L.acquire"
    )


def test_ends_of_one_line_are_told_apart_by_whom_they_work_for(make_step):
    one = make_step("a", "lock", function="take", line=3, caller="saves")
    other = make_step("a", "lock", function="take", line=3, caller="clears")
    theirs = make_step("b", "tick")
    assert window_text(Window(one, other, theirs, theirs)) == (
        "a, after lock (take of saves) and before lock (take of clears): b's tick"
    )
    nobodys = msgspec.structs.replace(one, caller="")
    assert "after lock (take, line 3)" in window_text(Window(nobodys, other, theirs, theirs))


def test_a_flip_names_the_race_and_what_comes_first(make_step):
    flip = Flip(make_step("a", "store x"), make_step("b", "load x"), "t", ("x", "y"))
    assert lines(flip=flip) == {"Race": "b's load x and a's store x, on x, y", "Flip": "a's store x first"}
    assert flip_text(flip) == "a's store x before b's load x"
    assert lines(flip=msgspec.structs.replace(flip, cells=()))["Race"] == "b's load x and a's store x"


def test_a_flip_says_if_it_is_not_the_only_change(make_step):
    more = ", and the rest in another order: no single change passes"
    flip = Flip(make_step("a", "store x"), make_step("b", "load x"), "t", alone=False)
    assert lines(flip=flip)["Flip"] == f"a's store x first{more}"
    assert flip_text(flip) == f"a's store x before b's load x{more}"
    other = Flip(make_step("a", "wrmsr XFD 1"), None, "t", outcome="keep", alone=False)
    assert lines(flip=other) == {"Flip": f"a's wrmsr XFD 1 with another outcome: keep{more}"}


def test_a_flip_may_be_another_outcome_or_none(make_step):
    other = Flip(make_step("a", "wrmsr XFD 1"), None, "t", outcome="keep")
    assert lines(flip=other) == {"Flip": "a's wrmsr XFD 1 with another outcome: keep"}
    nameless = msgspec.structs.replace(other, outcome="")
    assert lines(flip=nameless)["Flip"].endswith("another outcome: the one without a name")
    assert lines() == {"Flip": "none found: no order that was tried passes, and no other outcome"}
    assert lines(hopeless=1234) == {
        "Flip": "none: every order of these events has been gone through, and none passes (1,234 states)"
    }


def test_needs_are_those_that_it_takes_those_that_it_does_not_and_those_that_nobody_knows():
    needs = (
        Need("softirq", 2, 3),
        Need("IPI", 1, 1),
        Need("NMI", 0, 1),
        Need("#MC", 0, 2),
        Need("x", None, 1),
    )
    assert needs_text(needs) == "softirq 2 of 3, IPI 1 of 1; not needed: NMI, #MC; not known: x"
    assert needs_text(needs[2:3]) == "not needed: NMI"
    assert needs_text(()) == ""
