from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import PRESETS, TILECFG, TILEDATA, cpu_model
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xfd import device_not_available, disabled

APX = 1 << 19
masks = st.integers(0, 2**20 - 1)
states = st.builds(XState, xcr0=masks, xfd=masks, xfd_err=masks, in_use=masks)


@given(state=states, needed=masks)
def test_a_component_is_disabled_if_it_is_needed_and_enabled_in_xcr0_and_armed_in_xfd(state, needed):
    expected = {
        bit for bit in range(20) if needed >> bit & 1 and state.xcr0 >> bit & 1 and state.xfd >> bit & 1
    }
    assert disabled(state, needed) == sum(1 << bit for bit in expected)


def test_xfd_has_no_effect_while_xcr0_lacks_the_component():
    assert disabled(XState(xcr0=0b111, xfd=TILEDATA), TILECFG | TILEDATA) == 0


def test_whether_the_component_is_in_use_makes_no_difference():
    armed = XState(xcr0=0x600E7, xfd=TILEDATA)
    assert disabled(armed, TILEDATA) == disabled(armed.loaded(18, b"\1" * 8192), TILEDATA) == TILEDATA


@given(state=states, needed=masks)
def test_the_manual_loads_xfd_err_whatever_was_in_it(state, needed):
    after = device_not_available(state, needed, cpu_model("mail_2021", xfd_err="load"))
    assert after.xfd_err == needed & state.xfd & state.xcr0


@given(state=states, needed=masks)
def test_the_mail_adds_to_what_was_in_it(state, needed):
    after = device_not_available(state, needed, cpu_model("mail_2021", xfd_err="accumulate"))
    assert after.xfd_err == state.xfd_err | needed & state.xfd & state.xcr0


@given(state=states, needed=masks, rule=st.sampled_from(["load", "accumulate"]))
def test_nothing_but_xfd_err_changes(state, needed, rule):
    after = device_not_available(state, needed, cpu_model("mail_2021", xfd_err=rule))
    assert (after.xcr0, after.xss, after.xfd, after.in_use, after.contents) == (
        state.xcr0,
        state.xss,
        state.xfd,
        state.in_use,
        state.contents,
    )


@given(stale=st.sampled_from([0, TILEDATA]))
def test_with_bit_18_alone_the_two_rules_cannot_be_told_apart(stale):
    state = XState(xcr0=PRESETS["sapphire_rapids"].xcr0, xfd=TILEDATA, xfd_err=stale)
    loaded, added = (
        device_not_available(state, TILECFG | TILEDATA, cpu_model("sapphire_rapids", xfd_err=rule))
        for rule in ("load", "accumulate")
    )
    assert loaded == added


def test_with_a_second_component_they_can():
    state = XState(xcr0=PRESETS["mail_2021"].xcr0, xfd=TILEDATA | APX, xfd_err=TILEDATA)
    after = {
        rule: device_not_available(state, APX, cpu_model("mail_2021", xfd_err=rule)).xfd_err
        for rule in ("load", "accumulate")
    }
    assert after == {"load": APX, "accumulate": TILEDATA | APX}
