"""XCR0 by a second formulation: legal values are put together from blocks, not tested against rules."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import PRESETS
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xcr0 import RULES, refuses, xgetbv

VECTORS = (0b1, 0b11, 0b111, 0b1110_0111)
"""The ladder: x87 alone, with SSE, with AVX, with all of AVX-512. Nothing else of these bits is legal."""
MPX = 0b1_1000
TILES = 0b11 << 17
INVOLVED = (*range(8), 17, 18)


def legal_values():
    """Each rung of the ladder, with or without MPX, with or without tiles."""
    return {rung | mpx | tiles for rung, mpx, tiles in itertools.product(VECTORS, (0, MPX), (0, TILES))}


def masks(bits):
    for chosen in itertools.product((0, 1), repeat=len(bits)):
        yield sum(on << bit for on, bit in zip(chosen, bits, strict=True))


def test_of_all_values_of_the_bits_with_rules_the_sixteen_that_can_be_put_together_are_accepted():
    everything = sum(1 << bit for bit in INVOLVED)
    accepted = {value for value in masks(INVOLVED) if refuses(value, everything) is None}
    assert accepted == legal_values()
    assert len(accepted) == 16


@given(value=st.integers(0, 2**64 - 1), supported=st.integers(0, 2**64 - 1))
def test_any_value_on_any_cpu_is_accepted_if_it_is_supported_and_its_ruled_bits_are_legal(value, supported):
    ruled = sum(1 << bit for bit in INVOLVED)
    legal = value | supported == supported and value & ruled in legal_values()
    assert (refuses(value, supported) is None) == legal


@given(rest=st.integers(0, 2**64 - 1), legal=st.sampled_from(sorted(legal_values())))
def test_bits_without_rules_make_no_difference(rest, legal):
    ruled = sum(1 << bit for bit in INVOLVED)
    assert refuses(legal | rest & ~ruled, 2**64 - 1) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "x87"),
        (0b110, "x87"),
        (0b101, "AVX needs SSE"),
        (0b1011, "MPX"),
        (0b10111, "MPX"),
        (0b10_0111, "AVX-512 components"),
        (0b1110_0011, "AVX-512 needs AVX"),
        (0b11 | 1 << 17, "tile"),
        (0b11 | 1 << 18, "tile"),
        (0b11 | 1 << 63, "not supported"),
    ],
)
def test_a_refusal_names_the_rule(value, words):
    assert words in refuses(value, 0xFF | TILES)


def test_every_rule_refuses_something_that_no_other_rule_does():
    everything = sum(1 << bit for bit in INVOLVED)
    alone = set()
    for value in masks(INVOLVED):
        broken = [name for name, holds in RULES if not holds(value)]
        if value & ~everything == 0 and len(broken) == 1:
            alone.add(broken[0])
    assert alone == {name for name, _ in RULES}


@pytest.mark.parametrize(
    ("name", "tiles", "hypothetical"),
    [("emerald_rapids", False, False), ("sapphire_rapids", True, False), ("mail_2021", True, True)],
)
def test_each_preset_accepts_all_that_it_supports_and_tiles_only_where_it_has_them(name, tiles, hypothetical):
    model = PRESETS[name]
    assert refuses(model.xcr0, model.xcr0) is None
    assert (refuses(0b11 | TILES, model.xcr0) is None) == tiles
    assert (refuses(0b11 | 1 << 19, model.xcr0) is None) == hypothetical


@given(xcr0=st.integers(0, 2**20 - 1), in_use=st.integers(0, 2**20 - 1), high=st.integers(0, 2**32 - 1))
def test_xgetbv_reads_xcr0_and_what_of_it_is_in_use_and_ignores_the_upper_half_of_rcx(xcr0, in_use, high):
    state = XState(xcr0=xcr0, in_use=in_use)
    assert xgetbv(state, high << 32) == xcr0
    assert xgetbv(state, high << 32 | 1) == xcr0 & in_use


@given(ecx=st.integers(2, 2**32 - 1))
def test_xgetbv_of_any_other_register_is_refused(ecx):
    assert xgetbv(XState(), ecx) is None
