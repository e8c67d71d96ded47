"""Charts, pinned as they are drawn; and whatever is drawn fits a commit message."""

import textwrap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.observe.chart import LINES, chart
from actors.observe.text import WIDTH
from protocol.records import Change, Column, Failure, Record, Step, Violation


def drawn(text):
    return textwrap.dedent(text).strip("\n").replace("|", "")


def test_the_leak(leak):
    assert chart(leak) == drawn("""
        |     CPU0              CPU1
        |     vcpu  guest  irq  task
        |d..1 vcpu_run: wrmsr XFD_ERR 0
        |d..1   vmenter  mode host -> guest
        |           f: tilezero 0 = #NM  XFD_ERR 0 -> 0x40000  [window]
        |d.h1              f: external interrupt  mode guest -> host
        |                  ... 3 steps
        |                       exc_device_not_available: rdmsr XFD_ERR = 0x40000
        |                       => x86/fpu: unexpected XFD_ERR 0x40000
    """)


def test_full_shows_every_step(leak):
    assert chart(leak, full=True) == drawn("""
        |     CPU0              CPU1
        |     vcpu  guest  irq  task
        |d..1 vcpu_run: wrmsr XFD_ERR 0
        |d..1   vmenter  mode host -> guest
        |           f: tilezero 0 = #NM  XFD_ERR 0 -> 0x40000  [window]
        |d.h1              f: external interrupt  mode guest -> host
        |d.h1              handler: nop
        |d.h1                nop
        |d..1                iret
        |                       exc_device_not_available: rdmsr XFD_ERR = 0x40000
        |                       => x86/fpu: unexpected XFD_ERR 0x40000
    """)


def test_without_margins_and_groups(make_step, make_record, changed):
    record = make_record(
        make_step("a", "load x", reply="0"),
        make_step("b", "load x", reply="0"),
        make_step("b", "store x 1", changed("0", "1", cell="x")),
        make_step("a", "nop", function="g"),
        ending="every required program has finished",
    )
    assert chart(record) == drawn("""
        |a  b
        |f: load x = 0
        |   f: load x = 0
        |     store x 1  x 0 -> 1
        |g: nop
        |(every required program has finished)
    """)


def explained(record, distances):
    steps = tuple(
        msgspec.structs.replace(step, distance=distance)
        for step, distance in zip(record.steps, distances, strict=True)
    )
    return msgspec.structs.replace(record, steps=steps)


def test_steps_that_are_not_on_the_way_to_the_symptom_are_counted(leak):
    assert chart(explained(leak, [None, None, 1, 0, None, None, 3, 0])) == drawn("""
        |     CPU0              CPU1
        |     vcpu  guest  irq  task
        |     ... 2 steps
        |           f: tilezero 0 = #NM  XFD_ERR 0 -> 0x40000  [window]
        |d.h1              f: external interrupt  mode guest -> host
        |                  ... 2 steps
        |d..1              handler: iret
        |                       exc_device_not_available: rdmsr XFD_ERR = 0x40000
        |                       => x86/fpu: unexpected XFD_ERR 0x40000
    """)
    assert chart(explained(leak, [0] * 8)) == chart(leak, full=True)


def test_a_chart_that_would_be_too_long_leaves_out_what_is_farthest(make_step, make_record):
    steps = [make_step("ab"[number % 2], f"step {number}") for number in range(60)]
    distances = [number % 6 for number in range(60)]
    lines = chart(explained(make_record(*steps), distances)).split("\n")
    assert len(lines) <= LINES
    numbers = [int(line.split()[-1]) for line in lines if "step " in line]
    shown = {number % 6 for number in numbers}
    assert shown == {0, 1, 2, 5}, "the last step is always shown"
    assert [number for number in numbers if number % 6 < 2] == [n for n in range(60) if n % 6 < 2]
    third = [number for number in numbers if number % 6 == 2]
    assert third == [*range(2, 60, 6)][-len(third) :], (
        "the latest of those that are as far have what room there is"
    )
    assert sum(int(line.split()[1]) for line in lines if "..." in line) + len(shown) < 60
    few = chart(explained(make_record(*steps), [0] * 60)).split("\n")
    assert len(few) > LINES, "what is next to the symptom is never left out"


def test_of_the_farthest_that_have_room_those_that_change_a_value_stay(make_step, make_record, changed):
    near = [make_step("a", f"near {number}") for number in range(20)]
    far = [
        make_step("a", f"far {number}", *([changed("0", "1")] if number % 10 == 0 else []))
        for number in range(60)
    ]
    lines = chart(explained(make_record(*far, *near), [1] * 60 + [0] * 20)).split("\n")
    assert len(lines) <= LINES
    kept = [int(line.split()[1 + ("f:" in line)]) for line in lines if "far " in line]
    assert {*range(0, 60, 10)} <= {*kept}
    quiet = [number for number in kept if number % 10]
    assert quiet == [number for number in range(quiet[0], 60) if number % 10], "and the latest of the others"
    more = [make_step("a", f"far {number}", changed("0", "1")) for number in range(60)]
    lines = chart(explained(make_record(*more, *near), [1] * 60 + [0] * 20)).split("\n")
    kept = [int(line.split()[1 + ("f:" in line)]) for line in lines if "far " in line]
    assert len(lines) == LINES
    assert kept == [*range(60 - len(kept), 60)], "as many as have room, the latest"
    quiet = [make_step("a", f"far {number}") for number in range(60)]
    distances = [1] * 60 + [3] * 60 + [0] * 20
    lines = chart(explained(make_record(*quiet, *more, *near), distances)).split("\n")
    assert sum("0 -> 1" in line for line in lines) > 10, (
        "what changes something goes before what is a little nearer"
    )


@pytest.mark.parametrize(("idle", "shown"), [(1, "  nop"), (2, "... 2 steps"), (9, "... 9 steps")])
def test_a_single_idle_step_is_shown_and_more_are_counted(make_step, make_record, changed, idle, shown):
    busy = make_step("a", "store", changed("0", "1"))
    record = make_record(busy, *[make_step("a", "nop")] * idle, busy)
    assert chart(record).split("\n")[2] == shown


def test_idle_steps_of_several_contexts_are_counted_together(make_step, make_record):
    record = make_record(
        make_step("a", "nop"), make_step("b", "nop"), make_step("c", "nop"), make_step("a", "end")
    )
    assert chart(record).split("\n")[1:] == ["... 3 steps", "f: end", "()"]


def test_the_last_step_is_always_shown(make_step, make_record):
    record = make_record(*[make_step("a", "nop")] * 5, make_step("a", "last"))
    assert "f: last" in chart(record)


@pytest.mark.parametrize(
    "more", [{"event": "NMI"}, {"labels": (("in", "True"),)}, {"reply": "1"}, {"outcome": "lost"}], ids=str
)
def test_what_matters_is_never_counted_away(make_step, make_record, more):
    record = make_record(
        *[make_step("a", f"step {number}", **more) for number in range(3)], make_step("a", "end")
    )
    assert "..." not in chart(record)


def test_a_long_row_goes_on_below_itself(make_step, make_record):
    record = make_record(make_step("a", "x"), make_step("context", "word " * 30))
    lines = chart(record).split("\n")
    assert lines[2].startswith("   f: word word")
    assert all(line.startswith("     word") for line in lines[3:-1])


def test_the_symptom_stands_at_the_program_that_failed(leak):
    moved = msgspec.structs.replace(leak.violation, failure=Failure("guest", "AssertionError", "stale"))
    last = chart(msgspec.structs.replace(leak, violation=moved)).split("\n")[-1]
    assert last == "           => x86/fpu: unexpected XFD_ERR 0x40000"


def test_a_condition_without_words_of_its_own_is_said_to_be_violated(leak):
    nameless = Violation(("x is 0",), "symptom", "x is 0")
    last = chart(msgspec.structs.replace(leak, violation=nameless)).split("\n")[-1]
    assert last.strip() == "=> violated: x is 0"


def test_a_violation_before_the_first_step(make_record):
    record = make_record(
        columns=(Column("a"),), violation=Violation(("c",), "symptom", "wrong from the start")
    )
    assert chart(record) == "a\n=> wrong from the start"


def test_where_files_stand_on_a_machine_is_left_out(make_step, make_record):
    violation = Violation(("c",), "symptom", "raised at /somewhere/of/mine/race.py:12")
    assert "raised at race.py:12" in chart(make_record(make_step("a", "x"), violation=violation))


TEXT = st.text(max_size=120)
NAME = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50)
CHANGES = st.lists(st.builds(Change, TEXT, TEXT, TEXT, TEXT), max_size=3).map(tuple)


@st.composite
def records(draw):
    names = draw(st.lists(NAME, min_size=1, max_size=30, unique=True))
    columns = tuple(Column(name, draw(st.sampled_from(["", "CPU0", "CPU1", "c" * 90]))) for name in names)
    steps = st.builds(
        Step,
        number=st.integers(1, 10**6),
        program=NAME,
        actor=NAME,
        column=st.sampled_from(names),
        function=NAME,
        file=TEXT,
        line=st.integers(0, 9999),
        text=TEXT,
        reply=TEXT,
        outcome=TEXT,
        margin=st.sampled_from(["", "d..1", "d.h1", "...."]),
        event=st.sampled_from(["", "external interrupt"]),
        changes=CHANGES,
        labels=st.lists(st.tuples(NAME, TEXT), max_size=2).map(tuple),
    )
    failure = st.none() | st.builds(Failure, NAME | st.sampled_from(names), NAME, TEXT, st.tuples(TEXT, TEXT))
    violation = st.none() | st.builds(
        Violation, st.tuples(TEXT), st.sampled_from(["symptom", "hygiene"]), TEXT, failure, st.tuples(TEXT)
    )
    return Record(
        "s",
        "?",
        (),
        draw(TEXT),
        columns,
        tuple(draw(st.lists(steps, max_size=12))),
        draw(violation),
        ending=draw(TEXT),
    )


@given(records(), st.booleans())
def test_no_line_is_wider_than_a_commit_message(record, full):
    lines = chart(record, full=full).split("\n")
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() and line.isprintable() for line in lines)


@pytest.mark.parametrize("columns", [1, 2, 5, 12, 30])
def test_many_columns_leave_room_for_text(leak, columns):
    names = [f"philosopher{number}" for number in range(columns)]
    steps = tuple(msgspec.structs.replace(leak.steps[0], column=name, program=name) for name in names)
    record = msgspec.structs.replace(leak, columns=tuple(map(Column, names)), steps=steps, violation=None)
    lines = chart(record, full=True).split("\n")
    assert all(any(name in line for line in lines) for name in names)
    rows = [line for line in lines if "wrmsr XFD_ERR 0" in line]
    assert len(rows) == columns, "no row had to be broken"
    starts = [line.index("vcpu_run") for line in rows]
    assert starts == sorted(starts)
