"""XCR0 by a second formulation: legal values are put together from blocks, not tested against rules."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import PRESETS, cpu_model
from actors.machine.xstate import presets as p
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description, StateComponent
from actors.machine.xstate.environment import KERNEL, Environment
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xcr0 import RULES, refuses, xgetbv, xsetbv
from protocol.registers import Vector

VECTORS = (0b1, 0b11, 0b111, 0b1110_0111)
"""The ladder: x87 alone, with SSE, with AVX, with all of AVX-512. Nothing else of these bits is legal."""
MPX = 0b1_1000
TILES = 0b11 << 17
INVOLVED = (*range(8), 17, 18)
EVERYTHING = Description(
    "everything",
    tuple(c for c in p.CATALOGUE if not c.supervisor and c.number != 19)
    + tuple(StateComponent(n, 8, 20000 + 8 * n) for n in range(19, 63)),
    xfd=True,
)
SPR = PRESETS["sapphire_rapids"]


def legal_values():
    """Each rung of the ladder, with or without MPX, with or without tiles."""
    return {rung | mpx | tiles for rung, mpx, tiles in itertools.product(VECTORS, (0, MPX), (0, TILES))}


def masks(bits):
    for chosen in itertools.product((0, 1), repeat=len(bits)):
        yield sum(on << bit for on, bit in zip(chosen, bits, strict=True))


def test_of_all_values_of_the_bits_with_rules_the_sixteen_that_can_be_put_together_are_accepted():
    accepted = {value for value in masks(INVOLVED) if refuses(value, EVERYTHING) is None}
    assert accepted == legal_values()
    assert len(accepted) == 16


@given(value=st.integers(0, 2**64 - 1), cpu=st.sampled_from([EVERYTHING, *p.DESCRIPTIONS.values()]))
def test_any_value_on_any_cpu_is_accepted_if_it_is_supported_and_its_ruled_bits_are_legal(value, cpu):
    ruled = sum(1 << bit for bit in INVOLVED)
    legal = value | cpu.xcr0 == cpu.xcr0 and value & ruled in legal_values()
    assert (refuses(value, cpu) is None) == legal


@given(rest=st.integers(0, 2**64 - 1), legal=st.sampled_from(sorted(legal_values())))
def test_bits_without_rules_make_no_difference(rest, legal):
    ruled = sum(1 << bit for bit in INVOLVED)
    assert refuses(legal | rest & ~ruled & EVERYTHING.xcr0, EVERYTHING) is None


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
        (1 << 8 | 3, "not supported"),
        (1 << 63 | 3, "not supported"),
    ],
)
def test_a_refusal_names_the_rule(value, words):
    assert words in refuses(value, EVERYTHING)


def test_each_rule_refuses_something_that_no_other_rule_does():
    everything = sum(1 << bit for bit in INVOLVED)
    for name, holds in RULES:
        others = [other for rule, other in RULES if rule != name]
        assert any(
            not holds(value) and all(rule(value) for rule in others)
            for value in masks(INVOLVED)
            if value & ~everything == 0
        ), name


def test_apx_and_mpx_exclude_each_other_but_not_the_hypothetical_component():
    both = p.offering("both", 0x8001F)
    assert refuses(0x80003, both) is None
    assert refuses(0x1B, both) is None
    assert "APX and MPX" in refuses(0x8001B, both)
    assert refuses(0x8001B, EVERYTHING) is None
    assert refuses(0x80003, p.MAIL_2021) is None, "without any dependency"


@pytest.mark.parametrize(
    ("environment", "ecx", "value", "vector"),
    [
        (KERNEL, 0, 0x602E7, None),
        (KERNEL, 1 << 32, 7, None),
        (KERNEL, 1, 7, Vector.GP),
        (KERNEL, 1 << 31, 7, Vector.GP),
        (KERNEL, 0, 6, Vector.GP),
        (Environment(cpl=3), 0, 7, Vector.GP),
        (Environment(cpl=1), 0, 7, Vector.GP),
        (Environment(osxsave=False), 0, 7, Vector.UD),
        (Environment(osxsave=False, cpl=3), 1, 6, Vector.UD),
        (Environment(ts=True), 0, 7, None),
    ],
)
def test_xsetbv_checks_osxsave_first_and_then_privilege_register_and_value(environment, ecx, value, vector):
    before = XState(xcr0=3)
    result = xsetbv(before, ecx, value, environment, SPR)
    assert (result.fault and result.fault.vector) == vector
    assert result.state == (XState(xcr0=value) if vector is None else before)
    assert vector is not Vector.GP or result.fault.error_code == 0


def test_clearing_a_bit_leaves_the_registers_as_they_are():
    before = XState(xcr0=7).loaded(2, b"\1" * 256)
    after = xsetbv(before, 0, 3, KERNEL, SPR).state
    assert (after.held(2), after.in_use) == (b"\1" * 256, 4)


@pytest.mark.parametrize(
    ("environment", "ecx", "expected"),
    [
        (KERNEL, 0, 0xE7),
        (Environment(cpl=3, ts=True), 0, 0xE7),
        (KERNEL, 7 << 32, 0xE7),
        (KERNEL, 1, 0x21),
        (KERNEL, 7 << 32 | 1, 0x21),
        (KERNEL, 2, Vector.GP),
        (KERNEL, 0xFFFF_FFFF, Vector.GP),
        (Environment(osxsave=False), 0, Vector.UD),
        (Environment(osxsave=False), 9, Vector.UD),
    ],
)
def test_xgetbv_reads_two_registers_at_any_privilege_level(environment, ecx, expected):
    result = xgetbv(XState(xcr0=0xE7, xinuse=0x221), ecx, environment, SPR)
    assert (result.fault.vector if result.fault else result.value) == expected


def test_a_cpu_without_xgetbv_1_has_one_register():
    cpu = CpuModel(Description("mine", (), xgetbv1=False))
    assert xgetbv(XState(), 1, KERNEL, cpu).fault.vector is Vector.GP


@pytest.mark.parametrize(("mxcsr", "bit"), [(0x1F80, 0), (0x1F81, 2), (0, 2)])
def test_mxcsr_shows_in_bit_1(mxcsr, bit):
    assert xgetbv(XState(xcr0=7, mxcsr=mxcsr), 1, KERNEL, SPR).value == bit
    assert xgetbv(XState(xcr0=1, mxcsr=mxcsr), 1, KERNEL, SPR).value == 0


def test_in_compatibility_mode_registers_8_to_15_and_zmm16_on_do_not_count():
    state = XState(xcr0=0xE7, xinuse=0x81, xinuse_upper=0x46)
    assert xgetbv(state, 1, KERNEL, SPR).value == 0xC7
    assert xgetbv(state, 1, Environment(long_mode=False), SPR).value == 1


def test_under_architectural_tracking_only_what_is_not_initial_is_certain():
    cpu = cpu_model("sapphire_rapids", tracking="architectural")
    state = XState(xcr0=0x600E7, xinuse=0x27).holding(2, b"\1" * 256).holding(18, b"\1" * 8192)
    result = xgetbv(state, 1, KERNEL, cpu)
    assert (result.value, result.free) == (0x40004, 0x200E3)
    hidden = xgetbv(XState(xcr0=0x600E7, xfd=1 << 18, live=1 << 18, contents=(b"\1" * 8192,)), 1, KERNEL, cpu)
    assert hidden.free >> 18 & 1, "nobody knows whether XFD shows in XINUSE"
    assert xgetbv(state, 0, KERNEL, cpu).free == 0
