"""Layout: columns under their groups, names that never touch, and room for text."""

import msgspec

from actors.observe.layout import layout
from protocol.records import Column, Failure, Violation


def test_columns_without_steps_take_no_room(leak):
    fewer = msgspec.structs.replace(leak, steps=leak.steps[:2], violation=None)
    assert list(layout(fewer).places) == ["vcpu"]


def test_a_program_that_failed_without_a_step_has_a_column(leak):
    failed = Violation(("x",), "symptom", "x", Failure("task", "AssertionError", ""))
    assert list(layout(msgspec.structs.replace(leak, steps=leak.steps[:2], violation=failed)).places) == [
        "vcpu",
        "task",
    ]


def test_nobody_did_anything(leak):
    assert len(layout(msgspec.structs.replace(leak, steps=(), violation=None)).places) == 4


def test_the_margin_is_as_wide_as_the_widest(leak):
    assert layout(leak).margin == 5
    bare = tuple(msgspec.structs.replace(step, margin="") for step in leak.steps)
    assert layout(msgspec.structs.replace(leak, steps=bare)).margin == 0


def test_contexts_of_one_group_stand_side_by_side(make_step, make_record):
    columns = (Column("a", "CPU0"), Column("b", "CPU1"), Column("c", "CPU0"))
    plan = layout(make_record(*(make_step(name, "x") for name in "abc"), columns=columns))
    assert plan.places == {"a": 0, "c": 3, "b": 6}
    assert plan.header == ("CPU0  CPU1", "a  c  b")


def test_group_names_that_would_touch_go_to_another_line(make_step, make_record):
    columns = (Column("a", "processor 0"), Column("b", "processor 1"))
    plan = layout(make_record(make_step("a", "x"), make_step("b", "x"), columns=columns))
    assert plan.header == ("processor 0", "   processor 1", "a  b")


def test_many_columns_come_closer_and_their_names_take_more_lines(make_step, make_record):
    names = [f"philosopher{number}" for number in range(6)]
    plan = layout(make_record(*(make_step(name, "x") for name in names)))
    places = list(plan.places.values())
    assert places == sorted(places)
    assert places[-1] <= 75 - 38
    assert sorted(name for line in plan.header for name in line.split()) == names
    assert len(plan.header) == 2


def test_more_columns_than_places(make_step, make_record):
    plan = layout(make_record(*(make_step(f"p{number}", "x") for number in range(60))))
    assert max(plan.places.values()) <= 75 - 38
    assert max(map(len, plan.header)) <= 75
