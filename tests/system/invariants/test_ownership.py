"""I3 and I6 on states made by hand: each way to break them, and what does not."""

import msgspec
import pytest

from actors.machine.state import Placement
from actors.machine.xstate.area import overwritten
from actors.machine.xstate.components import SSE, TILECFG, TILEDATA
from actors.system.invariants.happened import any_set, off_cpu_with_registers, reallocated
from actors.system.invariants.ownership import Activated, Valid
from actors.system.kernel.flags import NONE, Flags
from tests.system.invariants.states import (
    FEATURES,
    MODEL,
    A,
    B,
    cpu,
    guest,
    hardirq,
    holding,
    in_user,
    kernel,
    saved,
    user,
)

MINE = user(A)
SMALL, LARGE = MINE.fpstates
XFD = TILEDATA
NEED_LOAD = Flags.TIF_NEED_FPU_LOAD


def activated(state, owner=A, flags=NONE, last_cpu=0, fpstate=SMALL, xfds=(XFD, 0), *, number=0, resets=None):
    noted = (owner and owner.program, flags, last_cpu, fpstate, resets)
    return Activated(number, MINE)(state, 0, False, *noted, *xfds)


LOADED = cpu(in_user(A), xfd=XFD)


def test_a_task_in_its_registers_owns_them():
    assert activated(LOADED)
    assert activated(cpu(kernel(A), hardirq(), xfd=XFD)), "whatever interrupts it"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"owner": B}, id="another owner"),
        pytest.param({"owner": None}, id="no owner"),
        pytest.param({"last_cpu": 1}, id="last_cpu elsewhere"),
        pytest.param({"last_cpu": -1}, id="last_cpu nowhere"),
        pytest.param({"fpstate": LARGE}, id="XFD of the old fpstate"),
        pytest.param({"xfds": (0, 0)}, id="XFD is not the fpstate's"),
        pytest.param({"number": 1}, id="on the other CPU"),
    ],
)
def test_each_part_of_i3(broken):
    assert not activated(LOADED, **broken)


@pytest.mark.parametrize("flags", [NEED_LOAD, Flags.PF_EXITING, NEED_LOAD | Flags.TIF_NEED_RESCHED])
def test_i3_asks_nothing_of_a_task_whose_registers_are_not_loaded_or_that_exits(flags):
    assert activated(LOADED, owner=None, flags=flags)


def test_i3_asks_nothing_between_the_reset_of_an_fpstate_and_the_flag_that_says_so():
    assert not activated(LOADED, xfds=(0, 0), resets=False)
    assert activated(LOADED, xfds=(0, 0), resets=True)


def test_i3_asks_nothing_of_a_task_that_is_not_current_and_no_xfd_of_a_guest():
    assert activated(cpu(in_user(B)), owner=B)
    assert activated(cpu(kernel(A), guest(), xfd=0))
    assert not activated(cpu(kernel(A), guest(), xfd=0), owner=B)


def valid(state, area, owner=A, flags=NEED_LOAD, last_cpu=0, fpstate=SMALL, large=None, resets=None):
    check = Valid(0, MINE, FEATURES, MODEL.description)
    return check(state, 0, False, owner and owner.program, flags, last_cpu, fpstate, resets, area, large)


HOLDS_7 = holding(cpu(in_user(B)), 7)


def test_valid_registers_hold_what_was_saved():
    assert valid(HOLDS_7, saved(SMALL, 7))
    assert not valid(HOLDS_7, saved(SMALL, 8))
    assert not valid(HOLDS_7, saved(SMALL)), "initial in memory"
    assert not valid(cpu(in_user(B)), saved(SMALL, 7)), "initial in registers"
    assert valid(cpu(in_user(B)), saved(SMALL))


@pytest.mark.parametrize("mxcsr", [0x1F80, 0x1FC0, 0])
def test_valid_registers_have_the_mxcsr_that_was_saved(mxcsr):
    state = cpu(in_user(B), mxcsr=mxcsr)
    assert valid(state, saved(SMALL, xstate_bv=SSE)) == (mxcsr == 0x1F80)
    assert valid(state, saved(SMALL)) == (mxcsr == 0x1F80), "initial in memory"
    area = saved(SMALL, xstate_bv=SSE)
    other = overwritten(area, SSE, area.xcomp_bv, ((24, (0x1FC0).to_bytes(8, "little")),), MODEL.description)
    assert valid(state, other) == (mxcsr == 0x1FC0)
    without = msgspec.structs.replace(other, xstate_bv=0)
    assert valid(state, without) == (mxcsr == 0x1F80), "whatever bytes lie there"


def test_what_xstate_bv_does_not_name_is_initial_whatever_bytes_lie_there():
    stale = saved(SMALL, 7, xstate_bv=0)
    assert valid(cpu(in_user(B)), stale)
    assert not valid(HOLDS_7, stale)


def test_what_is_in_use_and_yet_initial_counts_as_its_content():
    noted = saved(SMALL, xstate_bv=SSE | TILECFG)
    assert valid(cpu(in_user(B)), noted)
    assert valid(cpu(in_user(B), xinuse=SSE), noted)


def test_a_component_without_room_must_be_initial():
    tiles = cpu(in_user(B), live=TILEDATA, contents=(b"\1" * 8192,), xinuse=TILEDATA)
    assert not valid(tiles, saved(SMALL))


def test_the_fpstate_that_counts_is_the_published_one():
    assert valid(HOLDS_7, saved(SMALL, 8), fpstate=LARGE, large=saved(LARGE, 7))
    assert not valid(HOLDS_7, saved(SMALL, 7), fpstate=LARGE, large=saved(LARGE, 8))
    assert not valid(HOLDS_7, saved(SMALL, 7), fpstate=LARGE), "it is not allocated"


@pytest.mark.parametrize("not_valid", [{"owner": B}, {"owner": None}, {"last_cpu": 1}, {"last_cpu": -1}])
def test_i6_asks_nothing_of_registers_that_are_not_valid(not_valid):
    assert valid(HOLDS_7, saved(SMALL, 8), **not_valid)


def test_a_current_task_whose_flag_is_clear_has_its_state_in_the_registers_alone():
    mine = holding(cpu(in_user(A)), 7)
    assert valid(mine, saved(SMALL, 8), flags=NONE)
    assert not valid(mine, saved(SMALL, 8), flags=NEED_LOAD)
    assert not valid(HOLDS_7, saved(SMALL, 8), flags=NONE), "off CPU it is in memory, flag or not"


def test_i6_asks_nothing_of_a_task_that_exits():
    assert not valid(HOLDS_7, saved(SMALL, 8))
    assert valid(HOLDS_7, saved(SMALL, 8), flags=Flags.PF_EXITING | NEED_LOAD)
    assert valid(HOLDS_7, None, flags=Flags.PF_EXITING), "its fpstate is freed"


def test_what_happened():
    assert off_cpu_with_registers(Placement(None), NONE)
    assert not off_cpu_with_registers(Placement(0), NONE)
    assert not off_cpu_with_registers(Placement(None), NEED_LOAD)
    assert not off_cpu_with_registers(Placement(None), Flags.PF_EXITING)
    assert [reallocated(one) for one in MINE.fpstates] == [False, True]
    assert any_set(None, True)
    assert not any_set(None, None)
