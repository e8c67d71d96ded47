from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate.components import MODELLED, SIZE, bits, initial
from protocol.registers import Component


@given(st.integers(0, 2**64 - 1))
def test_bits_are_those_of_the_mask_in_ascending_order(mask):
    found = bits(mask)
    assert sum(1 << bit for bit in found) == mask
    assert list(found) == sorted(set(found))


def test_the_modelled_components_are_those_with_a_size():
    assert set(bits(MODELLED)) == set(SIZE)


def test_sizes_are_those_of_the_manual():
    assert SIZE == {Component.TILECFG: 64, Component.TILEDATA: 8192, Component.APX: 64}


def test_initial_contents_are_zeros_of_that_size():
    for component, size in SIZE.items():
        assert initial(component) == b"\0" * size
