import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import PRESETS, TILEDATA, cpu_model
from actors.machine.xstate.environment import KERNEL, Environment
from actors.machine.xstate.msr import exists, rdmsr, supported, ways, wrmsr
from actors.machine.xstate.presets import EMULATED
from actors.machine.xstate.registers import XrstorInfo, XState
from protocol.registers import Msr, Vector

APX = 1 << 19
TILES = b"\x55" * 8192
CET = (0x6A0, 0x6A4, 0x6A5, 0x6A6, 0x6A7)
EXTENDED = (Msr.XSS, Msr.XFD, Msr.XFD_ERR)
USER = Environment(cpl=3)
SPR = PRESETS["sapphire_rapids"]
models = st.sampled_from(sorted(PRESETS)).map(lambda name: PRESETS[name])
words = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, TILEDATA, APX, TILEDATA | APX, 1 << 17]))


@given(model=models, msr=st.sampled_from(EXTENDED), value=words)
def test_a_write_is_refused_exactly_if_the_msr_or_a_bit_is_not_enumerated(model, msr, value):
    capable = {"sapphire_rapids": {18}, "suites": {18}, "mail_2021": {18, 19}}.get(model.name)
    supervisor = {
        "emulated": {11, 12, 14},
        "sapphire_rapids": {8, 10, 11, 12, 14, 15},
        "mail_2021": {8, 10, 11, 12, 14, 15},
    }.get(model.name, set())
    allowed = supervisor if msr is Msr.XSS else capable
    legal = allowed is not None and all(bit in allowed for bit in range(64) if value >> bit & 1)
    result = wrmsr(XState(), msr, value, KERNEL, model)
    assert (result.fault is None) == legal
    if not legal:
        assert (result.fault.vector, result.fault.error_code, result.state) == (Vector.GP, 0, XState())


def test_what_the_registers_take_is_what_cpuid_enumerates():
    assert supported(EMULATED, Msr.XSS) == 0x5800
    assert supported(SPR.description, Msr.XFD) == supported(SPR.description, Msr.XFD_ERR) == TILEDATA


@given(msr=st.integers(0, 2**32 - 1).filter(lambda msr: msr not in {0x1C4, 0x1C5, 0xDA0, *CET}))
def test_any_other_msr_is_unknown(msr):
    assert not exists(SPR.description, msr)
    assert rdmsr(XState(), msr, KERNEL, SPR).fault.vector is Vector.GP
    assert wrmsr(XState(), msr, 0, KERNEL, SPR).fault.vector is Vector.GP


@pytest.mark.parametrize("msr", [*EXTENDED, *CET])
def test_user_programs_get_gp(msr):
    for result in (rdmsr(XState(), msr, USER, SPR), wrmsr(XState(), msr, 0, USER, SPR)):
        assert (result.fault.vector, result.fault.error_code) == (Vector.GP, 0)


@pytest.mark.parametrize("msr", [Msr.XFD, Msr.XFD_ERR])
def test_without_xfd_its_msrs_do_not_exist(msr):
    for name in ("emerald_rapids", "emulated"):
        assert rdmsr(XState(), msr, KERNEL, PRESETS[name]).fault.vector is Vector.GP


def test_without_supervisor_components_xss_exists_and_is_zero():
    assert rdmsr(XState(), Msr.XSS, KERNEL, PRESETS["emerald_rapids"]).value == 0
    assert wrmsr(XState(), Msr.XSS, 0, KERNEL, PRESETS["emerald_rapids"]).fault is None


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [(0x1C4, "xfd", TILEDATA), (0x1C5, "xfd_err", TILEDATA), (0xDA0, "xss", 0x800)],
)
def test_each_register_has_its_address_and_is_read_back_alone(address, field, value):
    after = wrmsr(XState(), address, value, KERNEL, SPR).state
    assert rdmsr(after, address, KERNEL, SPR).value == value
    assert after == msgspec.structs.replace(XState(), **{field: value})


# The CET MSRs, as views of components.


@pytest.mark.parametrize(
    ("msr", "component", "at"),
    [(0x6A0, 11, 0), (0x6A7, 11, 8), (0x6A4, 12, 0), (0x6A5, 12, 8), (0x6A6, 12, 16)],
)
def test_a_cet_msr_is_eight_bytes_of_its_component(msr, component, at):
    size = SPR.description.size(component)
    before = XState(xrstor_info=XrstorInfo(0, False, 0, 0)).holding(component, b"\4" * size)
    after = wrmsr(before, msr, 0x1000, KERNEL, SPR).state
    expected = bytearray(b"\4" * size)
    expected[at : at + 8] = (0x1000).to_bytes(8, "little")
    assert after.content(component, SPR.description) == bytes(expected)
    assert after.in_use == after.xmodified == 1 << component
    assert rdmsr(after, msr, KERNEL, SPR).value == 0x1000
    assert rdmsr(before, msr, KERNEL, SPR).value == 0x0404_0404_0404_0404


@pytest.mark.parametrize("msr", CET)
def test_a_cet_msr_does_not_exist_without_its_component(msr):
    assert rdmsr(XState(), msr, KERNEL, PRESETS["suites"]).fault.vector is Vector.GP


def test_a_value_that_the_register_cannot_hold_is_gp():
    assert wrmsr(XState(), 0x6A4, 1, KERNEL, SPR).fault.vector is Vector.GP


# What setting XFD does.


def live_tiles():
    return XState(xcr0=0x600E7).loaded(18, TILES)


def test_by_the_mail_setting_xfd_leaves_live_tile_data_alone():
    ((label, after),) = ways(live_tiles(), Msr.XFD, TILEDATA, cpu_model("sapphire_rapids", xfd_set="keep"))
    assert label == ""
    assert after.held(18) == TILES
    assert after.in_use == TILEDATA


def test_by_the_manual_setting_xfd_may_keep_or_lose_live_tile_data():
    model = cpu_model("sapphire_rapids", xfd_set="undefined")
    found = dict(ways(live_tiles(), Msr.XFD, TILEDATA, model))
    assert list(found) == ["keep", "init 18"]
    assert found["keep"].held(18) == TILES
    assert found["init 18"].held(18) is None
    assert (found["keep"].in_use, found["init 18"].in_use) == (TILEDATA, 0)
    assert all(after.xfd == TILEDATA for after in found.values())


@pytest.mark.parametrize(
    ("xfd", "in_use", "value"),
    [
        pytest.param(0, 0, TILEDATA, id="the component is initial"),
        pytest.param(TILEDATA, TILEDATA, TILEDATA, id="the bit was set already"),
        pytest.param(TILEDATA, TILEDATA, 0, id="the bit is cleared"),
        pytest.param(0, 1 << 17, TILEDATA, id="another component is in use"),
    ],
)
def test_nothing_is_undefined_unless_the_bit_of_a_live_component_gets_set(xfd, in_use, value):
    state = XState(xcr0=0x600E7, xfd=xfd, xinuse=in_use)
    model = cpu_model("sapphire_rapids", xfd_set="undefined")
    assert list(ways(state, Msr.XFD, value, model)) == [("", msgspec.structs.replace(state, xfd=value))]


def test_two_live_components_are_kept_or_lost_independently():
    live = XState(xcr0=0xE00E7).loaded(18, TILES).loaded(19, b"\1" * 64)
    found = list(ways(live, Msr.XFD, TILEDATA | APX, cpu_model("mail_2021", xfd_set="undefined")))
    assert [after.in_use for _, after in found] == [TILEDATA | APX, TILEDATA, APX, 0]
    assert [label for label, _ in found] == ["keep keep", "keep init 19", "init 18 keep", "init 18 init 19"]


def test_writing_xfd_err_loses_no_data_whatever_the_choice():
    ((_, after),) = ways(
        live_tiles(), Msr.XFD_ERR, TILEDATA, cpu_model("sapphire_rapids", xfd_set="undefined")
    )
    assert after.held(18) == TILES


def test_a_refused_write_has_no_ways():
    assert list(ways(XState(), Msr.XFD, 1, SPR)) == []
