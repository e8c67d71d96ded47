"""The lines below a chart, pinned; only what has to be copied whole may be wider than a commit message."""

import msgspec

from actors.observe.chart import chart
from actors.observe.report import below, entries, report, taken
from protocol.records import Explanation, Failure, Flip, Need, Violation, Window


def replay(token):
    return f"vmrace replay {token}"


TOKEN = "v1.xfd_err_leak." + "x" * 70


def test_the_leak(leak):
    assert below(leak, "v1.s.tok", replay) == [
        "Violated  no stale bit (symptom)",
        "Failure   AssertionError in task",
        "Events    external interrupt 1 of 2",
        "Model     hand-made",
        'Fix       0123456789ab ("x86/fpu: a fix")',
        "Token     v1.s.tok",
        "Replay    vmrace replay v1.s.tok",
    ]


def test_the_report_is_the_chart_and_what_stands_below_it(leak):
    text = report(leak, "v1.s.tok", replay, full=True)
    assert text.startswith(chart(leak, full=True) + "\n\nViolated")


def test_a_long_token_stands_alone_on_its_line(leak):
    lines = below(leak, TOKEN, lambda token: f"vmrace replay {token} ./race.py")
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
    assert below(stuck, "", replay)[:3] == [
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
    assert below(failed, "", replay)[:4] == [
        "Violated  c (hygiene)",
        "Failure   AssertionError in task",
        "          race.py:12 in main: await f()",
        "          a.py:3 in f: assert 0",
    ]


def test_several_names_share_one_kind(leak):
    both = msgspec.structs.replace(leak, violation=Violation(("a", "b"), "symptom", "a; b"))
    assert below(both, "", replay)[:2] == ["Violated  a", "          b (symptom)"]


def test_without_a_token_nothing_is_said_of_replaying(leak):
    assert not [line for line in below(leak, "", replay) if line.startswith(("Token", "Replay"))]


def test_a_long_model_is_wrapped(leak):
    lines = below(msgspec.structs.replace(leak, model="word " * 40), "", replay)
    assert max(map(len, lines)) <= 75
    assert sum(line.startswith(" " * 10 + "word") for line in lines) == 3


def test_the_events_that_an_execution_took_are_counted_where_nobody_has_looked_for_those_that_it_needs(leak):
    assert taken(msgspec.structs.replace(leak, budgets=())) == "external interrupt 1"
    assert taken(msgspec.structs.replace(leak, steps=leak.steps[:2])) == ""
    twice = msgspec.structs.replace(leak, steps=(*leak.steps, *leak.steps))
    assert taken(twice) == "external interrupt 2 of 2"


def test_an_explanation_stands_behind_what_is_violated_and_the_order_that_passes_at_the_end(leak):
    flip = Flip(leak.steps[3], leak.steps[2], "v1.s.other", ("cpu0",))
    needs = (Need("external interrupt", 1, 2), Need("NMI", 0, 1))
    window = Window(leak.steps[2], None, leak.steps[3], leak.steps[3])
    lines = below(
        msgspec.structs.replace(leak, explanation=Explanation(window, flip, needs)), "v1.s.tok", replay
    )
    assert lines[2:6] == [
        "Window    guest, after tilezero 0 = #NM: irq's external interrupt",
        "Race      guest's tilezero 0 and irq's external interrupt, on cpu0",
        "Flip      irq's external interrupt first",
        "Needs     external interrupt 1 of 2; not needed: NMI",
    ]
    assert lines[-1] == "Passes    vmrace replay v1.s.other"
    assert not any(line.startswith("Events") for line in lines)


def test_entries():
    assert entries("Met", []) == []
    assert entries("Met", ["a", "b"]) == ["Met       a", "          b"]
