"""I4, I5, I7 and xfd_validate_state on states made by hand."""

import itertools

import pytest

from actors.machine.xstate.components import COMPACTED, HYPOTHETICAL, SSE, TILECFG, TILEDATA, TILES, bits
from actors.machine.xstate.layout import standard_size
from actors.system.invariants.buffers import FromUser, Restorable, Roomy, Validated
from actors.system.invariants.registers import Before, HostsOwn
from actors.system.kernel.layout import fpstate
from actors.system.kernel.mm import UserArea
from actors.system.kernel.xstate_op import xstate_op
from protocol.instructions import XsaveArea
from tests.system.invariants.states import FEATURES, IRQ, MODEL, A, B, cpu, hardirq, kernel, saved, user

MINE = user(A)
SMALL, LARGE = MINE.fpstates
INIT = fpstate(MODEL, "init_fpstate", SSE | TILECFG)
AMONG = (*MINE.fpstates, INIT)
INIT_AREA = XsaveArea(0, COMPACTED | INIT.xfeatures)
FRAME = UserArea("frame")


def op(fpstate, rfbm=FEATURES, frame=None):
    return xstate_op(fpstate, rfbm, frame)


@pytest.mark.parametrize(
    ("xstate_bv", "xfd"), list(itertools.product((0, SSE, TILES, SSE | TILEDATA), (0, TILEDATA)))
)
def test_i4_no_component_is_loaded_that_xfd_disables(xstate_bv, xfd):
    check = Restorable(A.program, AMONG)
    area = saved(LARGE, xstate_bv=xstate_bv)
    assert check(op(LARGE), cpu(kernel(A), xfd=xfd), None, area, INIT_AREA) == (not xstate_bv & xfd)


def test_i4_looks_at_the_buffer_that_is_restored_before_it_is():
    check = Restorable(A.program, AMONG)
    bad, state = saved(LARGE, xstate_bv=TILEDATA), cpu(kernel(A), xfd=TILEDATA)
    assert not check(op(LARGE), state, saved(SMALL), bad, INIT_AREA)
    assert check(op(SMALL), state, saved(SMALL), bad, INIT_AREA)
    assert check(op(INIT), state, saved(SMALL), bad, INIT_AREA)
    assert check(None, state, saved(SMALL), bad, INIT_AREA), "nothing is about to be restored"
    assert check(op(LARGE), cpu(kernel(B), xfd=TILEDATA), None, bad, INIT_AREA), "it is not on top"
    assert check(op(LARGE), cpu(kernel(A), hardirq(), xfd=TILEDATA), None, bad, INIT_AREA)
    assert check(op(LARGE, SSE), state, None, bad, INIT_AREA), "outside RFBM"
    assert not check(op(LARGE), state, saved(SMALL), None, INIT_AREA), "it is freed"


def test_i4_wants_a_format_that_xcr0_and_xss_allow():
    check = Restorable(A.program, AMONG)
    bogus = XsaveArea(0, COMPACTED | SSE | HYPOTHETICAL)
    assert not check(op(SMALL), cpu(kernel(A)), bogus, None, INIT_AREA)
    assert check(op(SMALL), cpu(kernel(A), xss=HYPOTHETICAL), bogus, None, INIT_AREA)
    assert not check(op(SMALL), cpu(kernel(A), xcr0=3), saved(SMALL), None, INIT_AREA)


def roomy(program):
    return Roomy(program, MINE.fpstates, MODEL.description)


def test_i5_no_component_is_saved_that_has_no_room():
    check = roomy(A.program)
    small = XsaveArea(0, COMPACTED | SMALL.xfeatures)
    assert check(op(SMALL, SMALL.xfeatures), cpu(kernel(A)), small, None)
    assert check(op(LARGE), cpu(kernel(A)), None, saved(LARGE))
    assert not check(op(LARGE), cpu(kernel(A)), None, small), "a pointer to a buffer that is too small"
    assert check(op(LARGE), cpu(kernel(A), xfd=TILEDATA), None, small), "XFD keeps TILEDATA out of it"
    assert not check(op(LARGE), cpu(kernel(A)), small, None), "it is not there"
    assert check(op(LARGE), cpu(kernel(B)), small, None)
    assert check(None, cpu(kernel(A)), None, None)


@pytest.mark.parametrize("xfd", [0, TILEDATA])
def test_i5_is_about_what_the_instruction_is_asked_for_and_not_what_the_fpstate_says(xfd):
    check, small = roomy(A.program), XsaveArea(0, COMPACTED | SMALL.xfeatures)
    assert check(op(SMALL, FEATURES), cpu(kernel(A), xfd=xfd), small, None) == bool(xfd)
    assert check(op(LARGE, SSE), cpu(kernel(A), xfd=xfd), None, small)


@pytest.mark.parametrize("xfd", [0, TILEDATA])
@pytest.mark.parametrize("target", [SMALL, LARGE])
def test_i5_a_frame_has_the_room_that_it_was_made_with_whatever_the_fpstate_says(target, xfd):
    check, state = roomy(A.program), cpu(kernel(A), xfd=xfd)
    whole = standard_size(MODEL.description, bits(FEATURES))
    little = standard_size(MODEL.description, bits(SMALL.user_xfeatures))
    for size, has_room in ((whole, True), (whole - 1, bool(xfd)), (little, bool(xfd)), (little - 1, False)):
        assert check(op(target, FEATURES, UserArea("frame", size=size)), state, None, None) == has_room
    assert check(op(target, SMALL.user_xfeatures, UserArea("frame", size=little)), state, None, None)
    assert check(op(target, SSE, UserArea("frame", size=576)), state, None, None)


@pytest.mark.parametrize("xfd", [0, TILEDATA])
def test_i4_of_a_frame_is_about_xfd_alone_since_its_header_may_be_anything(xfd):
    check, state = FromUser(A.program, FRAME), cpu(kernel(A), xfd=xfd)
    tiles, bogus = XsaveArea(SSE | TILEDATA, 0), XsaveArea(SSE, HYPOTHETICAL)
    assert check(op(LARGE, FEATURES, FRAME), state, tiles) == (not xfd)
    assert check(op(LARGE, SSE, FRAME), state, tiles)
    assert check(op(LARGE, FEATURES, FRAME), state, bogus)
    assert check(op(LARGE, FEATURES, UserArea("another")), state, tiles)
    assert check(op(LARGE, FEATURES), state, tiles), "it loads its fpstate"
    assert check(op(LARGE, FEATURES, FRAME), cpu(kernel(B), xfd=xfd), tiles)
    assert check(None, state, tiles)
    restorable = Restorable(A.program, AMONG)
    assert restorable(op(LARGE, FEATURES, FRAME), state, None, None, None), "that is about fpstates"


def test_i5_of_a_handler_is_about_the_buffers_of_one_task():
    check = roomy(IRQ)
    others = user(B).fpstates[0]
    assert not check(op(SMALL), cpu(kernel(A), hardirq()), None, None)
    assert check(op(others), cpu(kernel(B), hardirq()), None, None)


def warned(fpstate, xfd_state, current, *, rstor, xfds=(TILEDATA, 0), init_xfd=TILEDATA, mask=None):
    """What the kernel asks for, unless given: all features of a restore, and what there is room for of a save."""
    check = Validated(A.program, MINE, AMONG, INIT, rstor)
    asked = mask or (FEATURES if rstor else fpstate.xfeatures)
    return not check(op(fpstate, asked), cpu(kernel(A)), xfd_state, current, *xfds, init_xfd)


@pytest.mark.parametrize("rstor", [False, True])
@pytest.mark.parametrize("current", MINE.fpstates)
def test_the_kernel_does_not_warn_where_the_copy_is_the_fpstates(rstor, current):
    assert not warned(SMALL, TILEDATA, current, rstor=rstor)
    assert not warned(LARGE, 0, current, rstor=rstor)


@pytest.mark.parametrize("rstor", [False, True])
def test_it_warns_where_the_current_fpstate_has_another_xfd(rstor):
    assert warned(SMALL, 0, SMALL, rstor=rstor)
    assert warned(LARGE, TILEDATA, LARGE, rstor=rstor)


def test_what_is_not_current_may_be_restored_if_it_is_init_fpstate_and_saved_if_it_has_room():
    assert not warned(INIT, 0, LARGE, rstor=True, xfds=(TILEDATA, 0), init_xfd=TILEDATA)
    assert warned(INIT, 0, LARGE, rstor=False)
    assert not warned(SMALL, 0, LARGE, rstor=False), "it asks for no more than it has room for"
    assert warned(SMALL, 0, LARGE, rstor=True), "TILEDATA is enabled, and it has no room for it"
    assert not warned(SMALL, 0, LARGE, rstor=True, mask=SSE)
    assert warned(SMALL, 0, LARGE, rstor=False, mask=FEATURES), "more than it has room for"
    assert not warned(LARGE, TILEDATA, SMALL, rstor=True, xfds=(HYPOTHETICAL, 0))


def test_it_is_about_the_task_that_is_current_and_whoever_is_on_top():
    bad = (op(SMALL), 0, SMALL, TILEDATA, 0, TILEDATA)

    def decides(check, state):
        operation, xfd_state, current, *xfds = bad
        return check(operation, state, xfd_state, current, *xfds)

    of_irq = Validated(IRQ, MINE, AMONG, INIT, False)
    assert not decides(of_irq, cpu(kernel(A), hardirq()))
    assert decides(of_irq, cpu(kernel(A)))
    assert decides(of_irq, cpu(kernel(B), hardirq()))
    assert of_irq(None, cpu(kernel(A), hardirq()), *bad[1:])


def test_i7_at_saves_and_restores():
    own = HostsOwn(MODEL.xcr0, 0)
    check = Before(A.program, own)
    host, guests, xss = cpu(kernel(A)), cpu(kernel(A), xcr0=3), cpu(kernel(A), xss=1 << 11)
    assert own(host)
    assert not own(guests)
    assert not own(xss)
    for labels in ((SMALL, None), (None, LARGE)):
        assert check(host, *labels)
        assert not check(guests, *labels)
        assert not check(xss, *labels)
        assert check(cpu(kernel(A), hardirq(), xcr0=3), *labels)
    assert check(guests, None, None)
