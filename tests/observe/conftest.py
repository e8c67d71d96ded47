"""Records made by hand: what is drawn depends on nothing else."""

import msgspec
import pytest

from protocol.records import Change, Column, Failure, Record, Step, Violation


def change(before, after, cell="cpu0", field=""):
    return Change(cell, field, before, after)


def step(column, text, *changes, function="f", **more):
    fields = {
        "number": 1,
        "program": column,
        "actor": "memory",
        "file": "/home/somebody/race.py",
        "line": 3,
        "reply": "",
    }
    return Step(column=column, function=function, text=text, changes=changes, **{**fields, **more})


def record(*steps, **more):
    columns = tuple(Column(name) for name in dict.fromkeys(one.column for one in steps))
    numbered = tuple(msgspec.structs.replace(one, number=number) for number, one in enumerate(steps, 1))
    fields = {"scenario": "s", "question": "?", "parameters": (), "model": "hand-made", "columns": columns}
    return Record(steps=numbered, **{**fields, **more})


@pytest.fixture
def leak():
    """The mail's last paragraph, on one CPU."""
    return record(
        step("vcpu", "wrmsr XFD_ERR 0", function="vcpu_run", margin="d..1"),
        step("vcpu", "vmenter", change("host", "guest", field="mode"), function="vcpu_run", margin="d..1"),
        step(
            "guest",
            "tilezero 0",
            change("0", "0x40000", field="msrs.XFD_ERR"),
            reply="#NM",
            labels=(("window", "True"),),
        ),
        step(
            "irq",
            "external interrupt",
            change("guest", "host", field="mode"),
            event="external interrupt",
            margin="d.h1",
        ),
        step("irq", "nop", function="handler", margin="d.h1"),
        step("irq", "nop", function="handler", margin="d.h1"),
        step("irq", "iret", function="handler", margin="d..1"),
        step("task", "rdmsr XFD_ERR", function="exc_device_not_available", reply="0x40000"),
        columns=(
            Column("vcpu", "CPU0"),
            Column("guest", "CPU0"),
            Column("irq", "CPU0"),
            Column("task", "CPU1"),
        ),
        violation=Violation(
            ("no stale bit",),
            "symptom",
            "x86/fpu: unexpected XFD_ERR 0x40000",
            Failure("task", "AssertionError", "stale"),
        ),
        budgets=(("external interrupt", 2), ("NMI", 1)),
        fix='0123456789ab ("x86/fpu: a fix")',
    )


@pytest.fixture
def make_step():
    return step


@pytest.fixture
def make_record():
    return record


@pytest.fixture
def changed():
    return change
