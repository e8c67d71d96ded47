import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import PRESETS, TILEDATA, CpuModel, cpu_model
from actors.machine.xstate.components import initial
from actors.machine.xstate.msr import rdmsr, supported, wrmsr
from actors.machine.xstate.registers import XState
from protocol.registers import Msr

APX = 1 << 19
TILES = b"\x55" * 8192
models = st.sampled_from(sorted(PRESETS)).map(lambda name: PRESETS[name])
words = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, TILEDATA, APX, TILEDATA | APX, 1 << 17]))


@given(model=models, msr=st.sampled_from(list(Msr)), value=words)
def test_a_write_is_refused_exactly_if_it_has_a_bit_that_the_cpu_does_not_enumerate(model, msr, value):
    capable = {"emerald_rapids": set(), "sapphire_rapids": {18}, "mail_2021": {18, 19}}[model.name]
    allowed = set() if msr is Msr.XSS else capable
    legal = all(bit in allowed for bit in range(64) if value >> bit & 1)
    assert bool(wrmsr(XState(), msr, value, model)) == legal


@given(value=st.integers(0, 2**64 - 1), xss=st.integers(0, 2**64 - 1))
def test_xss_takes_the_supervisor_components_that_cpuid_enumerates(value, xss):
    model = CpuModel("with supervisor components", 0b111, xss, TILEDATA)
    assert supported(model, Msr.XSS) == xss
    ways = wrmsr(XState(), Msr.XSS, value, model)
    if value | xss == xss:
        assert ways == (("", XState(xss=value)),)
    else:
        assert ways == ()


@given(msr=st.integers(0, 2**32 - 1).filter(lambda msr: msr not in {0x1C4, 0x1C5, 0xDA0}))
def test_any_other_msr_is_unknown(msr):
    assert rdmsr(XState(), msr) is None
    assert wrmsr(XState(), msr, 0, PRESETS["mail_2021"]) == ()


def test_each_register_has_its_address_and_is_read_back_alone():
    for address, field in ((0x1C4, "xfd"), (0x1C5, "xfd_err")):
        ((label, after),) = wrmsr(XState(), address, TILEDATA, PRESETS["sapphire_rapids"])
        assert label == ""
        assert rdmsr(after, address) == TILEDATA
        assert after == msgspec.structs.replace(XState(), **{field: TILEDATA})


def test_by_the_mail_setting_xfd_leaves_live_tile_data_alone():
    live = XState(xcr0=0x600E7).loaded(18, TILES)
    ((label, after),) = wrmsr(live, Msr.XFD, TILEDATA, cpu_model("sapphire_rapids", xfd_set="keep"))
    assert label == ""
    assert after.content(18) == TILES
    assert after.in_use == TILEDATA


def test_by_the_manual_setting_xfd_may_keep_or_lose_live_tile_data():
    live = XState(xcr0=0x600E7).loaded(18, TILES)
    ways = dict(wrmsr(live, Msr.XFD, TILEDATA, cpu_model("sapphire_rapids", xfd_set="undefined")))
    assert set(ways) == {"keep", "init 18"}
    assert ways["keep"].content(18) == TILES
    assert ways["init 18"].content(18) == initial(18)
    assert ways["init 18"].in_use == 0
    assert all(after.xfd == TILEDATA for after in ways.values())


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
    state = XState(xcr0=0x600E7, xfd=xfd, in_use=in_use)
    model = cpu_model("sapphire_rapids", xfd_set="undefined")
    assert wrmsr(state, Msr.XFD, value, model) == (("", msgspec.structs.replace(state, xfd=value)),)


def test_two_live_components_are_kept_or_lost_independently():
    live = XState(xcr0=0xE00E7).loaded(18, TILES).loaded(19, b"\1" * 64)
    ways = wrmsr(live, Msr.XFD, TILEDATA | APX, cpu_model("mail_2021", xfd_set="undefined"))
    assert {after.in_use for _, after in ways} == {0, TILEDATA, APX, TILEDATA | APX}
    assert sorted(label for label, _ in ways) == ["init 18", "init 18,19", "init 19", "keep"]


def test_writing_xfd_err_loses_no_data_whatever_the_choice():
    live = XState(xcr0=0x600E7).loaded(18, TILES)
    ((_, after),) = wrmsr(live, Msr.XFD_ERR, TILEDATA, cpu_model("sapphire_rapids", xfd_set="undefined"))
    assert after.content(18) == TILES
