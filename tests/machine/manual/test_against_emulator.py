"""The second formulation agrees with the emulator's sequences up to the first step that is not to be trusted."""

import pytest

from tests.machine.conform.samples import recorded
from tests.machine.manual.sequences import first_difference

STEPS = {"emu": 3536, "emuamx": 5751}
"""How many steps come before the first that is tagged."""

EACH = 9


def compared(name, each):
    lines = recorded(name)[::each]
    results = {line.id: first_difference(line) for line in lines}
    return sum(steps for steps, _ in results.values()), [found for _, found in results.values() if found]


@pytest.mark.parametrize("name", STEPS)
def test_a_sample_of_what_the_emulator_did(name):
    steps, found = compared(name, EACH)
    assert found == []
    assert steps > STEPS[name] / EACH / 2


@pytest.mark.full
@pytest.mark.parametrize("name", STEPS)
def test_all_that_the_emulator_did(name):
    assert compared(name, 1) == (STEPS[name], [])
