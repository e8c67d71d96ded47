"""The lines below a chart, pinned; only what has to be copied whole may be wider than a commit message."""

import msgspec

from actors.observe.chart import chart
from actors.observe.report import below, entries, needed, report
from protocol.records import Failure, Violation

TOKEN = "v1.xfd_err_leak." + "x" * 70


def test_the_leak(leak):
    assert below(leak, "v1.s.tok", "vmrace replay v1.s.tok") == [
        "Violated  no stale bit (symptom)",
        "Failure   AssertionError in task",
        "Needs     external interrupt 1 of 2; not needed: NMI",
        "Model     hand-made",
        'Fix       0123456789ab ("x86/fpu: a fix")',
        "Token     v1.s.tok",
        "Replay    vmrace replay v1.s.tok",
    ]


def test_the_report_is_the_chart_and_what_stands_below_it(leak):
    text = report(leak, "v1.s.tok", "vmrace replay v1.s.tok", full=True)
    assert text.startswith(chart(leak, full=True) + "\n\nViolated")


def test_a_long_token_stands_alone_on_its_line(leak):
    lines = below(leak, TOKEN, f"vmrace replay {TOKEN} ./race.py")
    assert lines[-4:] == ["Token", TOKEN, "Replay", f"vmrace replay {TOKEN} ./race.py"]
    assert all(len(line) <= 75 or TOKEN in line for line in lines)


def test_a_deadlock_says_who_waits_for_what(leak):
    waiting = (
        "a waits for L.acquire in f (/home/me/race.py:3); L = b",
        "b waits for M.acquire in g (/home/me/race.py:9)",
    )
    stuck = msgspec.structs.replace(
        leak, violation=Violation(("deadlock",), "symptom", "deadlock", None, waiting)
    )
    assert below(stuck, "", "")[:3] == [
        "Violated  deadlock (symptom)",
        "Waiting   a waits for L.acquire in f (race.py:3); L = b",
        "          b waits for M.acquire in g (race.py:9)",
    ]


def test_a_failure_shows_the_lines_it_went_through(leak):
    failure = Failure(
        "task",
        "AssertionError",
        "stale",
        ("/home/me/race.py:12 in main: await f()", "/a.py:3 in f: assert 0"),
    )
    failed = msgspec.structs.replace(leak, violation=Violation(("c",), "hygiene", "stale", failure))
    assert below(failed, "", "")[:4] == [
        "Violated  c (hygiene)",
        "Failure   AssertionError in task",
        "          race.py:12 in main: await f()",
        "          a.py:3 in f: assert 0",
    ]


def test_several_names_share_one_kind(leak):
    both = msgspec.structs.replace(leak, violation=Violation(("a", "b"), "symptom", "a; b"))
    assert below(both, "", "")[:2] == ["Violated  a", "          b (symptom)"]


def test_without_a_token_nothing_is_said_of_replaying(leak):
    assert not [line for line in below(leak, "", "") if line.startswith(("Token", "Replay"))]


def test_a_long_model_is_wrapped(leak):
    lines = below(msgspec.structs.replace(leak, model="word " * 40), "", "")
    assert max(map(len, lines)) <= 75
    assert sum(line.startswith(" " * 10 + "word") for line in lines) == 3


def test_needs(leak):
    assert needed(msgspec.structs.replace(leak, budgets=())) == "external interrupt 1"
    assert (
        needed(msgspec.structs.replace(leak, steps=leak.steps[:2])) == "not needed: external interrupt, NMI"
    )
    assert needed(msgspec.structs.replace(leak, steps=leak.steps[:2], budgets=())) == ""
    twice = msgspec.structs.replace(leak, steps=(*leak.steps, *leak.steps))
    assert needed(twice) == "external interrupt 2 of 2; not needed: NMI"


def test_entries():
    assert entries("Met", []) == []
    assert entries("Met", ["a", "b"]) == ["Met       a", "          b"]
