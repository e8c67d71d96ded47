import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate.components import X87_INITIAL, bits, initial, is_initial
from actors.machine.xstate.presets import MAIL_2021 as CPU
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.runtime.values import check_value

COMPONENTS = bits(CPU.xcr0 | CPU.xss)
INFO = XrstorInfo(0, False, 0x1000, 0)


def contents(component):
    size = CPU.size(component)
    return st.sampled_from([initial(component, size), b"\x55" * size, b"\xaa" * size])


loads = st.sampled_from(COMPONENTS).flatmap(lambda c: st.tuples(st.just("load"), st.just(c), contents(c)))
inits = st.tuples(st.just("init"), st.sets(st.sampled_from(COMPONENTS)), st.none())
histories = st.lists(st.one_of(loads, inits), max_size=12)


def mask(components):
    return sum(1 << component for component in components)


def test_out_of_reset_only_x87_is_enabled_and_nothing_is_in_use():
    state = XState()
    assert (state.xcr0, state.xss, state.xfd, state.xfd_err, state.in_use) == (1, 0, 0, 0, 0)
    assert state.mxcsr == 0x1F80
    assert all(state.content(c, CPU) == initial(c, CPU.size(c)) for c in COMPONENTS)
    assert state.content(0, CPU) == X87_INITIAL


@given(histories)
def test_contents_and_xinuse_follow_the_events_and_nothing_else(history):
    state = XState(xcr0=7, xss=1, xfd=1 << 18, xfd_err=1 << 18)
    then = dict.fromkeys(COMPONENTS)
    for what, which, content in history:
        if what == "load":
            state = state.loaded(which, content)
            then[which] = content
        else:
            state = state.initialised(mask(which))
            then.update(dict.fromkeys(which))
    for component, content in then.items():
        assert state.in_use >> component & 1 == (content is not None)
        assert state.content(component, CPU) == (
            initial(component, CPU.size(component)) if content is None else content
        )
    assert (state.xcr0, state.xss, state.xfd, state.xfd_err) == (7, 1, 1 << 18, 1 << 18)


@given(histories)
def test_what_is_kept_are_the_contents_that_are_not_initial_in_order(history):
    state = XState()
    for what, which, content in history:
        state = state.loaded(which, content) if what == "load" else state.initialised(mask(which))
        assert [number for number, _ in state.items()] == list(bits(state.live))
        assert len(state.contents) == state.live.bit_count()
        assert not any(is_initial(number, content) for number, content in state.items())
        assert state.live & ~state.in_use == 0
        for component in COMPONENTS:
            held = state.held(component)
            assert (held is None) == (not state.live >> component & 1)


def test_a_component_loaded_with_its_initial_content_is_in_use_all_the_same():
    state = XState().loaded(18, bytes(8192))
    assert (state.in_use, state.live, state.contents) == (1 << 18, 0, ())


def test_states_with_the_same_contents_are_equal_whatever_order_they_were_loaded_in():
    one = XState().loaded(17, b"\1" * 64).loaded(18, b"\2" * 8192)
    other = XState().loaded(18, b"\2" * 8192).loaded(17, b"\1" * 64)
    assert one == other
    assert hash(one) == hash(other)


def test_holding_changes_the_content_and_no_tracking():
    state = XState(xinuse=4, xrstor_info=INFO).holding(2, b"\1" * 256)
    assert (state.xinuse, state.xinuse_upper, state.xmodified) == (4, 0, 0)
    assert state.holding(2, bytes(256)) == XState(xinuse=4, xrstor_info=INFO)


def test_components_with_registers_8_to_15_are_loaded_and_initialised_with_them():
    state = XState()
    for number in (1, 2, 5, 6, 7):
        state = state.loaded(number, b"\1" * CPU.size(number))
    assert (state.xinuse, state.xinuse_upper) == (0xE6, 0x46)
    assert state.initialised(0x44).xinuse_upper == 2


def test_writes_count_as_modifications_once_there_was_an_xrstor():
    assert XState().loaded(2, b"\1" * 256).xmodified == 0
    restored = XState(xinuse=0xE7, xrstor_info=INFO)
    assert restored.loaded(2, bytes(256)).xmodified == 4
    assert restored.initialised(0x60).xmodified == 0x60
    assert restored.touched(1, 2, 4, 0x40).xmodified == 0x45


def test_initialising_what_is_not_in_use_is_no_event():
    restored = XState(xinuse=1, xrstor_info=INFO)
    assert restored.initialised(4) is restored


def test_a_state_is_a_value():
    check_value(XState(xrstor_info=INFO).loaded(18, b"\1" * 8192), "cpu0")
    assert msgspec.structs.replace(XState(), mxcsr=0) != XState()
