"""Runs one line of a vector file on the model, and names the first field that differs.

`hw-*` lines run on the preset `emerald_rapids`, tracked as recorded; `suites` lines on the CPU that the line's `init`
describes; emulator lines on the preset `emulated`, tracked by value, until the first op tagged `sus`.

With `freedom=True` a line is asked something else: is what was recorded among the outcomes that the manual allows
(`architectural`)? In a sequence the recorded outcome is the one that the line's own profile gives, which the same run holds
against the record.
"""

from collections.abc import Iterable, Iterator

from actors.machine.conform.hardware import HardwareLine
from actors.machine.conform.lines import Line
from actors.machine.conform.on_hardware import differences as hardware_differences
from actors.machine.conform.sequences import differences as sequence_differences
from actors.machine.conform.verdicts import Verdict


def run(line: Line, *, freedom: bool = False) -> Verdict:
    """Run one line, and say whether it passed, failed or stopped."""
    found = (
        hardware_differences(line, freedom=freedom)
        if isinstance(line, HardwareLine)
        else sequence_differences(line, freedom=freedom)
    )
    return next(found, Verdict(line.id, "passed"))


def run_all(lines: Iterable[Line], *, freedom: bool = False) -> Iterator[Verdict]:
    """Run lines one after the other."""
    for line in lines:
        yield run(line, freedom=freedom)
