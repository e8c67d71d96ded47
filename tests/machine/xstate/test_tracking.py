import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.environment import KERNEL, Environment, Operand
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.tracking import EVERYTHING, in_use, last_restore, not_initial, unmodified
from protocol.handles import Cell
from protocol.instructions import XsaveArea

RECORDED, BY_VALUE, ARCHITECTURAL = (
    cpu_model("sapphire_rapids", tracking=name) for name in ("recorded", "by_value", "architectural")
)
HALF = b"\1" * 128 + bytes(128)
UPPER = bytes(128) + b"\1" * 128


def test_recorded_tracking_is_what_the_events_left():
    state = XState(xinuse=0x85, xinuse_upper=2).holding(5, b"\1" * 64)
    assert in_use(state, RECORDED) == (0x87, 0x87)
    assert in_use(state, RECORDED, long_mode=False) == (5, 5), "neither registers 8 to 15 nor ZMM16 on"


def test_by_value_it_is_what_the_contents_are():
    state = XState(xinuse=0x85, xinuse_upper=2).holding(5, b"\1" * 64).holding(2, UPPER)
    assert in_use(state, BY_VALUE) == (0x24, 0x24)
    assert in_use(state, BY_VALUE, long_mode=False) == (0x20, 0x20)


def test_by_value_tile_data_follow_events():
    assert in_use(XState(xinuse=1 << 18), BY_VALUE) == (1 << 18, 1 << 18)
    assert in_use(XState().holding(18, b"\1" * 8192), BY_VALUE) == (0, 0)


def test_by_the_manual_what_is_initial_may_be_in_use_or_not():
    state = XState(xinuse=0x85).holding(2, HALF)
    assert in_use(state, ARCHITECTURAL) == (4, EVERYTHING)
    must, may = in_use(state.holding(7, b"\1" * 1024), ARCHITECTURAL, long_mode=False)
    assert (must, may >> 7 & 1) == (4, 0)


def test_what_is_not_initial_depends_on_what_the_mode_reaches():
    state = (
        XState().holding(1, UPPER).holding(2, HALF).holding(7, b"\1" * 1024).holding(5, UPPER[:64] + b"\1")
    )
    assert not_initial(state) == 0xA6
    assert not_initial(state, long_mode=False) == 0x24


# The modified optimisation.

INFO = XrstorInfo(0, False, 0x1000, 0)
STATE = XState(xcr0=0xE7, xmodified=4, xrstor_info=INFO)


def skipped(state=STATE, address=0x1000, environment=KERNEL, form=0):
    restored = last_restore(state, Operand(XsaveArea(), address), environment)
    return unmodified(restored, state.xmodified, form)


def test_if_all_four_match_what_was_not_modified_can_be_skipped():
    assert skipped() == EVERYTHING & ~4


@pytest.mark.parametrize(
    "different",
    [
        {"address": 0x2000},
        {"address": None},
        {"environment": Environment(cpl=3)},
        {"environment": Environment(non_root=True)},
        {"form": COMPACTED | 7},
        {"state": XState(xcr0=0xE7)},
    ],
    ids=str,
)
def test_if_one_of_them_differs_nothing_can(different):
    assert skipped(**different) == 0


def test_a_cell_can_be_an_address():
    state = XState(xrstor_info=XrstorInfo(0, False, Cell("a"), 0))
    assert skipped(state, Cell("a")) == EVERYTHING
    assert skipped(state, Cell("b")) == 0
