from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate.components import SIZE, initial
from actors.machine.xstate.registers import XState

COMPONENTS = sorted(SIZE)


def contents(component):
    return st.sampled_from([initial(component), b"\x55" * SIZE[component], b"\xaa" * SIZE[component]])


loads = st.sampled_from(COMPONENTS).flatmap(lambda c: st.tuples(st.just("load"), st.just(c), contents(c)))
inits = st.tuples(st.just("init"), st.sets(st.sampled_from(COMPONENTS)), st.none())
histories = st.lists(st.one_of(loads, inits), max_size=12)


def test_out_of_reset_only_x87_is_enabled_and_nothing_is_in_use():
    state = XState()
    assert (state.xcr0, state.xss, state.xfd, state.xfd_err, state.in_use) == (1, 0, 0, 0, 0)
    assert all(state.content(component) == initial(component) for component in COMPONENTS)


@given(histories)
def test_contents_and_xinuse_follow_the_events_and_nothing_else(history):
    state = XState(xcr0=7, xss=1, xfd=1 << 18, xfd_err=1 << 18)
    contents_then = dict.fromkeys(COMPONENTS)
    for what, which, content in history:
        if what == "load":
            state = state.loaded(which, content)
            contents_then[which] = content
        else:
            state = state.initialised(sum(1 << component for component in which))
            contents_then.update(dict.fromkeys(which))
    for component, content in contents_then.items():
        assert state.in_use >> component & 1 == (content is not None)
        assert state.content(component) == (initial(component) if content is None else content)
    assert (state.xcr0, state.xss, state.xfd, state.xfd_err) == (7, 1, 1 << 18, 1 << 18)


@given(histories)
def test_a_component_that_is_not_initial_is_in_use(history):
    state = XState()
    for what, which, content in history:
        state = (
            state.loaded(which, content)
            if what == "load"
            else state.initialised(sum(1 << component for component in which))
        )
        for component in COMPONENTS:
            assert state.content(component) == initial(component) or state.in_use >> component & 1


def test_a_component_loaded_with_its_initial_content_is_in_use_all_the_same():
    state = XState().loaded(18, initial(18))
    assert state.in_use == 1 << 18
    assert state.contents == ()


def test_states_with_the_same_contents_are_equal_whatever_order_they_were_loaded_in():
    one = XState().loaded(17, b"\1" * 64).loaded(18, b"\2" * 8192)
    other = XState().loaded(18, b"\2" * 8192).loaded(17, b"\1" * 64)
    assert one == other
    assert hash(one) == hash(other)
