"""The second formulation does what the recorded CPU did, so that agreement with it means something.

A sample of each set by default, and every line with `-m full`.
"""

import pytest

from tests.machine.conform.samples import recorded
from tests.machine.manual.silicon import differences

SETS = {
    "hw-save": 1007,
    "hw-xrstor": 1449,
    "hw-misc": 69,
    "hw-compat": 256,
    "hw-modopt": 176,
    "hw-xinuse": 224,
}
EACH = 9
"""One line in so many is in the sample."""


def wrong(name, each):
    lines = recorded(name)[::each]
    return len(lines), {line.id: fields for line in lines if (fields := differences(line))}


@pytest.mark.parametrize("name", SETS)
def test_a_sample_of_what_the_cpu_did(name):
    count, found = wrong(name, EACH)
    assert found == {}
    assert count == -(-SETS[name] // EACH)


@pytest.mark.full
@pytest.mark.parametrize("name", SETS)
def test_all_that_the_cpu_did(name):
    assert wrong(name, 1) == (SETS[name], {})


def test_there_is_something_of_everything_in_the_sample():
    seen = set()
    for name in SETS:
        for line in recorded(name)[::EACH]:
            seen.add((line.encoding.instruction, line.encoding.compat, line.fault is not None))
    saves = {(name, compat, False) for name in ("xsave", "xsaveopt", "xsavec") for compat in (False, True)}
    restores = {("xrstor", compat, faults) for compat in (False, True) for faults in (False, True)}
    assert seen >= saves | restores | {("xgetbv", False, False), ("xgetbv", False, True)}
