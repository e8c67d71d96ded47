"""The narration: every step in one line, and how it ended."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.observe.narration import narrate


def test_the_leak(leak):
    assert narrate(leak).split("\n") == [
        "1  d..1 vcpu   vcpu_run: wrmsr XFD_ERR 0",
        "2  d..1 vcpu   vcpu_run: vmenter  mode host -> guest",
        "3       guest  f: tilezero 0 = #NM  XFD_ERR 0 -> 0x40000  [window]",
        "4  d.h1 irq    f: external interrupt  mode guest -> host",
        "5  d.h1 irq    handler: nop",
        "6  d.h1 irq    handler: nop",
        "7  d..1 irq    handler: iret",
        "8       task   exc_device_not_available: rdmsr XFD_ERR = 0x40000",
        "=> x86/fpu: unexpected XFD_ERR 0x40000",
    ]


def test_a_good_end(make_step, make_record):
    record = make_record(make_step("a", "x"), ending="every required program has finished")
    assert narrate(record) == "1  a  f: x\nevery required program has finished"


def test_nothing_happened(make_record):
    assert narrate(make_record(ending="stopped")) == "stopped"


@given(text=st.text(max_size=200), name=st.text(min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_is_wider_than_a_commit_message(make_step, make_record, text, name):
    lines = narrate(make_record(make_step(name, text))).split("\n")
    assert max(map(len, lines)) <= 75


def test_numbers_are_aligned(make_step, make_record):
    lines = narrate(make_record(*[make_step("a", "x")] * 12)).split("\n")
    assert (lines[0], lines[11]) == (" 1  a  f: x", "12  a  f: x")


def test_long_names_are_clipped(make_step, make_record):
    record = make_record(make_step("philosopher number 17", "x"))
    assert narrate(record).startswith("1  philosopher num~  f: x")
