import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import cpu_model
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xfd import armed, device_not_available, disabled
from protocol.registers import Vector

masks = st.integers(0, 2**20 - 1)
LOAD, ACCUMULATE = (cpu_model("mail_2021", xfd_err=rule) for rule in ("load", "accumulate"))
states = st.builds(XState, xcr0=masks, xfd=masks, xfd_err=masks)


@given(state=states, needed=masks)
def test_a_component_is_disabled_if_it_is_needed_enabled_and_in_xfd(state, needed):
    found = disabled(state, needed)
    for bit in range(20):
        assert found >> bit & 1 == all(mask >> bit & 1 for mask in (needed, state.xcr0, state.xfd))


@given(state=states, needed=masks)
def test_xfd_err_is_loaded_or_added_to(state, needed):
    found = disabled(state, needed)
    assert armed(state, needed, LOAD) == msgspec.structs.replace(state, xfd_err=found)
    assert armed(state, needed, ACCUMULATE).xfd_err == state.xfd_err | found


@given(state=states, needed=masks)
def test_nm_is_raised_exactly_if_a_needed_component_is_disabled(state, needed):
    result = device_not_available(state, needed, LOAD)
    if not disabled(state, needed):
        assert result is None
    else:
        assert (result.fault.vector, result.fault.error_code) == (Vector.NM, None)
        assert result.state == armed(state, needed, LOAD)


@pytest.mark.parametrize(("rule", "left"), [(LOAD, 1 << 19), (ACCUMULATE, 3 << 18)])
def test_the_two_rules_differ_where_a_stale_bit_of_another_component_is_left(rule, left):
    state = XState(xcr0=0xE02E7, xfd=3 << 18, xfd_err=1 << 18)
    assert device_not_available(state, 1 << 19, rule).state.xfd_err == left


def test_the_reason_names_the_components():
    state = XState(xcr0=0xE02E7, xfd=3 << 18)
    assert "18, 19" in device_not_available(state, 3 << 18, LOAD).fault.why
