"""Areas from user mode: what is copied is what XRSTOR would have loaded, and the header is the kernel's."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.machine.model import PRESETS, TILEDATA
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED, SSE, TILECFG
from actors.machine.xstate.environment import KERNEL, Operand
from actors.machine.xstate.layout import MXCSR_AT, XMM_AT, standard
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.tiles import config
from actors.system.kernel.layout import fpstate
from actors.system.signals.uabi import frame_with, header_is_valid, with_data, with_header
from protocol.areas import XsaveArea
from protocol.registers import Component

CPU = PRESETS["sapphire_rapids"]
SMALL = fpstate(CPU, "small", SSE | TILECFG)
LARGE = fpstate(CPU, "large", SSE | TILECFG | TILEDATA)


def given_area(xstate_bv, xmm, configuration, tiles):
    """An area in the standard format, as user mode would fill it."""
    offset = standard(CPU.description).offset
    fields = (
        (MXCSR_AT, (0x1F80).to_bytes(8, "little")),
        (XMM_AT, xmm),
        (offset[Component.TILECFG], configuration),
        (offset[Component.TILEDATA], tiles),
    )
    return images.overwritten(XsaveArea(), xstate_bv, 0, fields, CPU.description)


AREAS = st.builds(
    given_area,
    st.sampled_from([0, SSE, TILECFG, TILEDATA, SSE | TILEDATA, SSE | TILECFG | TILEDATA]),
    st.binary(min_size=256, max_size=256),
    st.sampled_from([bytes(64), config(16)]),
    st.binary(min_size=1, max_size=8).map(lambda piece: piece.ljust(8192, b"\0")),
)


def copied(own, area, buffer):
    """What copy_uabi_to_xstate() leaves in the buffer."""
    data = with_data(CPU, own, area, buffer)
    xstate_bv, xcomp_bv = with_header(data, area, buffer)
    return XsaveArea(xstate_bv, xcomp_bv, data.offsets, data.contents)


@given(area=AREAS, before=AREAS)
@settings(max_examples=60)
def test_the_kernels_restore_loads_what_the_users_would_have(area, before):
    registers = XState(xcr0=CPU.xcr0)
    own = copied(XsaveArea(0, COMPACTED | LARGE.xfeatures), before, LARGE)
    kernels = restore("xrstors", registers, LARGE.xfeatures, Operand(copied(own, area, LARGE)), KERNEL, CPU)
    users = restore("xrstor", registers, LARGE.xfeatures, Operand(area), KERNEL, CPU)
    assert kernels.fault is None
    assert users.fault is None
    assert (kernels.state.live, kernels.state.contents) == (users.state.live, users.state.contents)


@given(area=AREAS)
def test_a_component_without_room_is_not_copied(area):
    own = XsaveArea(0, COMPACTED | SMALL.xfeatures)
    after = copied(own, area, SMALL)
    assert after.xcomp_bv == own.xcomp_bv
    assert not after.xstate_bv & TILEDATA
    assert images.extent(after) <= SMALL.size


@given(area=AREAS, before=AREAS)
def test_data_that_is_not_given_stays(area, before):
    own = copied(XsaveArea(0, COMPACTED | LARGE.xfeatures), before, LARGE)
    empty = XsaveArea(0, 0, area.offsets, area.contents)
    assert with_data(CPU, own, empty, LARGE) == own


def test_supervisor_components_stay_as_the_kernel_has_them():
    supervisor = 1 << Component.CET_U
    own = XsaveArea(supervisor | TILECFG, COMPACTED | supervisor | SSE | TILECFG)
    assert with_header(own, frame_with(CPU, 1), SMALL) == (supervisor | SSE, own.xcomp_bv)


def test_a_header_is_valid_with_what_there_is_room_for_and_nothing_in_xcomp_bv():
    assert header_is_valid(frame_with(CPU, 1), SMALL.user_xfeatures)
    assert header_is_valid(frame_with(CPU, 1, xstate_bv=SSE | TILECFG), SMALL.user_xfeatures)
    assert not header_is_valid(frame_with(CPU, 1, xstate_bv=TILEDATA), SMALL.user_xfeatures)
    for bit in range(64):
        assert not header_is_valid(frame_with(CPU, 1, xcomp_bv=1 << bit), SMALL.user_xfeatures)


@given(xmm0=st.integers(0, (1 << 64) - 1))
def test_a_frame_has_in_xmm0_what_it_was_made_with(xmm0):
    loaded = restore("xrstor", XState(xcr0=CPU.xcr0), SSE, Operand(frame_with(CPU, xmm0)), KERNEL, CPU)
    assert loaded.fault is None
    assert int.from_bytes((loaded.state.held(Component.SSE) or b"")[:8], "little") == xmm0
