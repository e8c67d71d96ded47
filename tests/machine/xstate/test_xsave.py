import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA
from actors.machine.xstate.components import MODELLED, SIZE, bits, initial
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xsave import blocked, refuses, unmodelled, xrstors, xsaves
from protocol.instructions import XsaveArea

COMPACTED = 1 << 63
ALL = TILECFG | TILEDATA | HYPOTHETICAL
XCR0 = 0xE0003

masks = st.sets(st.sampled_from([17, 18, 19])).map(lambda found: sum(1 << bit for bit in found))


@st.composite
def states(draw, xfd=masks):
    state = XState(xcr0=draw(st.sampled_from([XCR0, 0x60003, 0x80003, 0b11])), xfd=draw(xfd))
    for component in bits(draw(masks)):
        fill = draw(st.sampled_from([0, 0x55, 0xAA]))
        state = state.loaded(component, bytes([fill]) * SIZE[component])
    return state


@given(state=states(), rfbm=masks)
def test_a_save_has_what_is_requested_enabled_in_use_and_not_disabled(state, rfbm):
    area = xsaves(state, rfbm)
    for bit in (17, 18, 19):
        requested = rfbm >> bit & 1 and state.xcr0 >> bit & 1
        saved = requested and state.in_use >> bit & 1 and not state.xfd >> bit & 1
        assert bool(area.xcomp_bv >> bit & 1) == bool(requested), "XCOMP_BV is set under XFD too"
        assert bool(area.xstate_bv >> bit & 1) == bool(saved)
        assert dict(area.components).get(bit) == (state.content(bit) if saved else None)
    assert area.xcomp_bv & ~MODELLED == COMPACTED


@given(state=states(), elsewhere=states(xfd=st.just(0)), rfbm=masks)
def test_what_was_saved_is_restored_wherever_it_is_loaded(state, elsewhere, rfbm):
    elsewhere = msgspec.structs.replace(elsewhere, xcr0=state.xcr0)
    area = xsaves(state, rfbm)
    assert refuses(elsewhere, area) is None
    assert blocked(elsewhere, rfbm, area) == 0
    after = xrstors(elsewhere, rfbm, area)
    for bit in (17, 18, 19):
        if not (rfbm & state.xcr0) >> bit & 1:
            source, in_use = elsewhere, elsewhere.in_use
        elif state.xfd >> bit & 1:
            source, in_use = XState(), 0
        else:
            source, in_use = state, state.in_use
        assert after.content(bit) == source.content(bit)
        assert after.in_use >> bit & 1 == in_use >> bit & 1


@given(state=states(xfd=st.just(0)))
def test_save_and_restore_of_everything_is_the_identity(state):
    everything = msgspec.structs.replace(state, xcr0=XCR0)
    assert xrstors(XState(xcr0=XCR0), ALL, xsaves(everything, ALL)) == everything
    assert xrstors(everything, ALL, xsaves(everything, ALL)) == everything


def test_a_save_under_xfd_acts_as_if_the_component_were_not_in_use_and_leaves_it_so():
    live = XState(xcr0=XCR0, xfd=TILEDATA).loaded(17, b"\1" * 64).loaded(18, b"\2" * 8192)
    area = xsaves(live, TILECFG | TILEDATA)
    assert area == XsaveArea(TILECFG, COMPACTED | TILECFG | TILEDATA, ((17, b"\1" * 64),))


@given(state=states(), rfbm=masks, xstate_bv=masks)
def test_a_restore_is_stopped_by_xfd_only_for_what_it_would_load(state, rfbm, xstate_bv):
    area = XsaveArea(xstate_bv, COMPACTED | ALL)
    expected = {
        bit
        for bit in (17, 18, 19)
        if all(mask >> bit & 1 for mask in (rfbm, xstate_bv, state.xcr0, state.xfd))
    }
    assert set(bits(blocked(state, rfbm, area))) == expected


@given(state=states(), rfbm=masks)
def test_a_restore_initialises_what_the_area_lacks_even_under_xfd(state, rfbm):
    area = XsaveArea(0, COMPACTED | ALL)
    assert blocked(state, rfbm, area) == 0
    after = xrstors(state, rfbm, area)
    for bit in bits(rfbm & state.xcr0):
        assert after.content(bit) == initial(bit)
        assert not after.in_use >> bit & 1


@given(state=states(), header=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)))
def test_the_header_is_refused_if_it_is_not_compacted_or_names_what_is_not_enabled_or_not_there(
    state, header
):
    xstate_bv, xcomp_bv = header
    there = {bit for bit in range(63) if xcomp_bv >> bit & 1}
    present = {bit for bit in range(64) if xstate_bv >> bit & 1}
    enabled = {bit for bit in range(63) if (state.xcr0 | state.xss) >> bit & 1}
    legal = xcomp_bv >> 63 == 1 and there <= enabled and present <= there
    assert (refuses(state, XsaveArea(xstate_bv, xcomp_bv)) is None) == legal


@pytest.mark.parametrize(
    ("xstate_bv", "xcomp_bv", "words"),
    [
        (0, ALL, "XCOMP_BV[63] = 0"),
        (0, COMPACTED | 1 << 8, "XCR0 and XSS do not enable"),
        (TILEDATA, COMPACTED | TILECFG, "XCOMP_BV lacks"),
        (COMPACTED, COMPACTED | TILECFG, "XCOMP_BV lacks"),
    ],
)
def test_a_refusal_names_the_rule(xstate_bv, xcomp_bv, words):
    assert words in refuses(XState(xcr0=XCR0), XsaveArea(xstate_bv, xcomp_bv))


def test_supervisor_components_count_as_enabled_by_xss():
    area = XsaveArea(0, COMPACTED | 1 << 11)
    assert refuses(XState(xcr0=XCR0), area)
    assert refuses(XState(xcr0=XCR0, xss=1 << 11), area) is None


@given(rfbm=st.integers(0, 2**64 - 1))
def test_what_is_not_modelled_is_said_to_be(rfbm):
    assert set(bits(unmodelled(rfbm))) == set(bits(rfbm)) - {17, 18, 19}
