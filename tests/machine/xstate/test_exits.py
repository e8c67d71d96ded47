import pytest

from actors.machine.xstate.exits import xss_exiting
from actors.machine.xstate.registers import XState


@pytest.mark.parametrize(
    ("xss", "mask", "bitmap", "found"),
    [
        (0x1800, 2**64 - 1, 0x800, 0x800),
        (0x1800, 0x1000, 0x800, 0),
        (0x1000, 2**64 - 1, 0x800, 0),
        (0x1800, 0x800, 0, 0),
        (0, 7, 7, 0),
    ],
)
def test_a_guest_leaves_for_what_mask_xss_and_bitmap_have_in_common(xss, mask, bitmap, found):
    assert xss_exiting(XState(xcr0=7, xss=xss), mask, bitmap) == found
