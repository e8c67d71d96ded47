"""Which components share bytes of the standard format."""

import pytest

from actors.machine.xstate.presets import APX, AVX, BNDCSR, BNDREGS, OPMASK
from actors.machine.xstate.state_component import StateComponent, overlap


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (APX, BNDREGS, True),
        (APX, BNDCSR, True),
        (APX, OPMASK, False),
        (AVX, StateComponent(40, 8, 832), False),
        (AVX, StateComponent(40, 8, 831), True),
        (AVX, StateComponent(40, 8, 568), False),
        (AVX, StateComponent(40, 9, 568), True),
        (AVX, StateComponent(40, 1, 600), True),
    ],
)
def test_components_overlap_if_they_share_a_byte(one, other, shared):
    assert overlap(one, other) == shared
    assert overlap(other, one) == shared
