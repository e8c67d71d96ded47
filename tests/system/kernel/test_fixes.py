"""Switches by commit: what a choice leaves out, what is no choice, and that a routine asks for nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.errors import VmraceError
from actors.system.kernel.fixes import FIXES, Fix, missing
from actors.system.machine import Machine
from tests.system.sources import calls_of

A4, A5, B2, B3, B7, FIXUP = FIXES


def test_each_is_named_by_the_first_12_digits_of_its_commit_and_says_what_it_is_about():
    for commit, fix in FIXES.items():
        assert re.fullmatch("[0-9a-f]{12}", commit)
        assert fix.about
    assert Fix("something").shipped
    assert Fix("something").subject == ""


@pytest.mark.parametrize(
    ("choice", "without"),
    [
        ("shipped", ()),
        ("", ()),
        ("all", ()),
        ("none", (A4, A5, B2, B3, B7, FIXUP)),
        (f"-{A5}", (A5,)),
        (f"shipped,-{A5}", (A5,)),
        (f"-{B7},-{A4}", (A4, B7)),
        (f"none,+{A4}", (A5, B2, B3, B7, FIXUP)),
        (f"none,+{A4},-{A4}", (A4, A5, B2, B3, B7, FIXUP)),
        (f"all,-{B2},+{B2}", ()),
        (f"-{A5},", (A5,)),
    ],
)
def test_a_choice_begins_somewhere_and_then_adds_and_removes(choice, without):
    assert missing(choice) == without


def test_what_6_12_117_lacks_is_not_in_what_was_shipped(monkeypatch):
    monkeypatch.setattr("actors.system.kernel.fixes._STARTS", {"shipped": frozenset(FIXES) - {B7}})
    assert missing("shipped") == (B7,)
    assert missing(f"+{B7}") == ()


steps = st.lists(st.tuples(st.sampled_from("+-"), st.sampled_from(list(FIXES))))


@given(st.sampled_from(["shipped", "all", "none"]), steps)
def test_the_last_word_about_a_commit_counts(start, words):
    last = dict.fromkeys(FIXES, "-" if start == "none" else "+") | {commit: sign for sign, commit in words}
    text = ",".join([start, *(sign + commit for sign, commit in words)])
    assert missing(text) == tuple(commit for commit in FIXES if last[commit] == "-")


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ("nune", "'nune' is no start of a choice; did you mean none?"),
        (A5, f"'{A5}' says neither + nor -; write +{A5} or -{A5}"),
        ("0xyz", "'0xyz' is no start of a choice; there are shipped, all, none"),
        (f"none,{A5}", f"'{A5}' says neither + nor -; write +{A5} or -{A5}"),
        ("-388eff894d6c", f"no switch is called '388eff894d6c'; did you mean {A5}"),
        ("none,+10e4b5166df", f"no switch is called '10e4b5166df'; did you mean {A4}"),
        ("-", f"no switch is called ''; there are {A4}, {A5}"),
    ],
)
def test_what_is_no_choice_is_refused_with_the_nearest_names(choice, says):
    with pytest.raises(VmraceError, match="^fixes: " + re.escape(says)):
        missing(choice)
    with pytest.raises(VmraceError, match="^fixes: " + re.escape(says)):
        Machine(fixes=choice)


def test_a_kernel_has_what_was_not_taken_away():
    kernel = Machine(fixes=f"-{A5}").kernel
    assert [commit for commit in FIXES if not kernel.has(commit)] == [A5]
    assert all(Machine().kernel.has(commit) for commit in FIXES)


def test_no_routine_asks_for_a_switch_that_there_is_not():
    assert calls_of("has") <= set(FIXES)
