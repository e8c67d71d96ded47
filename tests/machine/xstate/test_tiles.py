"""The AMX instructions: what they need, what stops them in which order, and what they do to tiles."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import TILECFG, TILEDATA, cpu_model
from actors.machine.xstate import tiles as t
from actors.machine.xstate.dot_product import tdpbssd
from actors.machine.xstate.environment import KERNEL, Environment
from actors.machine.xstate.registers import XState
from protocol.registers import Vector

BOTH = TILECFG | TILEDATA
CPU = cpu_model("sapphire_rapids")
EMULATED = cpu_model("emulated", tracking="by_value")
ENABLED = XState(xcr0=0x602E7)
numbers = st.integers(0, 7)

ON_TILES = {
    "tileloadd": lambda s, env, cpu: t.tileloadd(s, 0, b"\5" * 1024, env, cpu),
    "tilestored": lambda s, env, cpu: t.tilestored(s, 0, env, cpu),
    "tilezero": lambda s, env, cpu: t.tilezero(s, 0, env, cpu),
    "tdpbssd": lambda s, env, cpu: tdpbssd(s, 0, 1, 2, env, cpu),
}
ON_NONE = {
    "ldtilecfg": lambda s, env, cpu: t.ldtilecfg(s, t.config(16), env, cpu),
    "sttilecfg": t.sttilecfg,
    "tilerelease": t.tilerelease,
}
ALL = ON_TILES | ON_NONE
every = pytest.mark.parametrize("name", ALL)
on_tiles = pytest.mark.parametrize("name", ON_TILES)
on_none = pytest.mark.parametrize("name", ON_NONE)


def configured(*rows, colsb=64, start=0):
    image = bytearray(t.config(*(rows or [16] * 8), colsb=colsb))
    image[1] = start
    return t.ldtilecfg(ENABLED, bytes(image), KERNEL, CPU).state


def with_tiles():
    state = configured()
    for number in range(8):
        state = t.tileloadd(state, number, bytes([number + 1]) * 1024, KERNEL, CPU).state
    return state


# Faults.


@every
def test_they_execute_where_nothing_stops_them(name):
    assert ALL[name](with_tiles(), KERNEL, CPU).fault is None
    assert ALL[name](with_tiles(), Environment(cpl=3, non_root=True), CPU).fault is None


@every
@pytest.mark.parametrize("xcr0", [0x2E7, 0x202E7, 0x402E7])
def test_without_both_bits_of_xcr0_they_are_undefined(name, xcr0):
    state = msgspec.structs.replace(with_tiles(), xcr0=xcr0, xfd=TILEDATA)
    result = ALL[name](state, Environment(ts=True), CPU)
    assert (result.fault.vector, result.state) == (Vector.UD, state)


@every
@pytest.mark.parametrize("environment", [Environment(long_mode=False), Environment(osxsave=False)])
def test_outside_64_bit_mode_and_without_osxsave_they_are_undefined(name, environment):
    assert ALL[name](with_tiles(), environment, CPU).fault.vector is Vector.UD


@on_tiles
def test_on_a_tile_that_is_not_configured_they_are_undefined_before_anything_else(name):
    state = msgspec.structs.replace(configured(0, 16, 16), xfd=TILEDATA)
    result = ON_TILES[name](state, Environment(ts=True), CPU)
    assert (result.fault.vector, result.state) == (Vector.UD, state)
    assert ON_TILES[name](ENABLED, KERNEL, CPU).fault.vector is Vector.UD


@every
def test_cr0_ts_stops_them_before_xfd_and_leaves_xfd_err_alone(name):
    state = msgspec.structs.replace(with_tiles(), xfd=TILEDATA, xfd_err=1 << 19)
    result = ALL[name](state, Environment(ts=True), CPU)
    assert (result.fault.vector, result.state) == (Vector.NM, state)


@every
def test_on_the_emulated_cpu_cr0_ts_does_not_stop_them(name):
    assert ALL[name](with_tiles(), Environment(ts=True), EMULATED).fault is None


@on_tiles
@pytest.mark.parametrize("xfd", [TILECFG, TILEDATA, BOTH])
def test_xfd_stops_what_needs_a_tile_and_says_which_component(name, xfd):
    state = msgspec.structs.replace(with_tiles(), xfd=xfd)
    result = ON_TILES[name](state, KERNEL, CPU)
    assert result.fault.vector is Vector.NM
    assert result.state == msgspec.structs.replace(state, xfd_err=xfd)


@on_none
def test_xfd_does_not_stop_what_needs_none(name):
    state = msgspec.structs.replace(with_tiles(), xfd=TILEDATA)
    result = ON_NONE[name](state, KERNEL, CPU)
    assert result.fault is None
    assert result.state.xfd_err == 0


def test_a_configuration_that_does_not_fit_is_gp_behind_the_others():
    wrong = t.config(17)
    result = t.ldtilecfg(with_tiles(), wrong, KERNEL, CPU)
    assert (result.fault.vector, result.fault.error_code, result.state) == (Vector.GP, 0, with_tiles())
    assert t.ldtilecfg(with_tiles(), wrong, Environment(ts=True), CPU).fault.vector is Vector.NM


# What they do.


@given(tile=numbers, data=st.binary(min_size=1024, max_size=1024))
def test_a_load_takes_its_rows_and_columns_and_zeroes_the_rest(tile, data):
    state = t.tileloadd(configured(*[3] * 8, colsb=5), tile, data, KERNEL, CPU).state
    for at, byte in enumerate(t.tile(state, tile)):
        row, column = divmod(at, 64)
        assert byte == (data[at] if row < 3 and column < 5 else 0)


def test_rows_are_a_stride_apart():
    memory = bytes(range(1, 201))
    state = t.tileloadd(configured(4, colsb=8), 0, memory, KERNEL, CPU, stride=10).state
    assert [t.tile(state, 0)[row * 64 : row * 64 + 8] for row in range(4)] == [
        memory[row * 10 : row * 10 + 8] for row in range(4)
    ]
    state = t.tileloadd(configured(4, colsb=8), 0, b"\7" * 64, KERNEL, CPU, stride=0).state
    assert t.tile(state, 0) == (b"\7" * 8 + bytes(56)) * 4 + bytes(12 * 64)


@given(tile=numbers, other=numbers)
def test_a_load_leaves_the_other_tiles_alone(tile, other):
    state = t.tileloadd(with_tiles(), tile, b"\xee" * 1024, KERNEL, CPU).state
    state = t.tilezero(state, other, KERNEL, CPU).state
    for number in range(8):
        expected = 0 if number == other else 0xEE if number == tile else number + 1
        assert t.tilestored(state, number, KERNEL, CPU).data == bytes([expected]) * 1024


def test_data_shorter_than_a_tile_is_followed_by_zeros():
    state = t.tileloadd(configured(16), 0, b"\1\2", KERNEL, CPU).state
    assert t.tile(state, 0) == b"\1\2" + bytes(1022)


def test_a_store_writes_the_shape_and_nothing_beside_it():
    state = t.tileloadd(configured(2, colsb=3), 0, b"\7" * 1024, KERNEL, CPU).state
    after = t.spilled(state, 0, b"\xa5" * 1024)
    assert after == (b"\7" * 3 + b"\xa5" * 61) * 2 + b"\xa5" * 14 * 64
    assert t.spilled(state, 0, b"\xa5" * 40, stride=10) == b"\7\7\7" + b"\xa5" * 7 + b"\7\7\7" + b"\xa5" * 27


def test_start_row_is_where_a_load_and_a_store_begin_and_it_is_zero_afterwards():
    loaded = t.tileloadd(configured(4), 0, b"\1" * 1024, KERNEL, CPU).state
    restarted = t.ldtilecfg(loaded, configured(4, start=3).held(17), KERNEL, CPU).state
    after = t.tileloadd(restarted, 0, b"\2" * 1024, KERNEL, CPU).state
    assert t.tile(after, 0) == bytes(3 * 64) + b"\2" * 64 + bytes(12 * 64)
    assert t.configuration(after) == t.config(4)
    assert t.spilled(restarted, 0, b"\xa5" * 1024)[: 3 * 64] == b"\xa5" * 192
    assert t.configuration(t.tilestored(restarted, 0, KERNEL, CPU).state) == t.config(4)


def test_a_start_row_behind_the_tile_loads_nothing():
    after = t.tileloadd(configured(4, start=200), 0, b"\2" * 1024, KERNEL, CPU).state
    assert t.tile(after, 0) == bytes(1024)


def test_tiles_are_in_use_from_the_first_load_until_they_are_released():
    assert configured().in_use == TILECFG
    loaded = t.tileloadd(configured(), 0, b"\1" * 1024, KERNEL, CPU).state
    assert loaded.in_use == BOTH
    assert t.tilezero(loaded, 0, KERNEL, CPU).state.in_use == BOTH, "zeroed is not initial"
    assert t.tilerelease(loaded, KERNEL, CPU).state == ENABLED


def test_zeroing_a_tile_is_a_write_but_by_value_it_does_not_bring_tiles_into_use():
    assert t.tilezero(configured(), 0, KERNEL, CPU).state.in_use == BOTH
    assert t.tilezero(configured(), 0, KERNEL, EMULATED).state.in_use == TILECFG
    assert t.tilezero(with_tiles(), 0, KERNEL, EMULATED).state.in_use == BOTH


def test_a_new_configuration_makes_the_tiles_initial_and_palette_0_the_configuration_too():
    again = t.ldtilecfg(with_tiles(), t.config(16, 16), KERNEL, CPU).state
    assert (again.in_use, t.tile(again, 0)) == (TILECFG, bytes(1024))
    assert t.ldtilecfg(with_tiles(), b"\0" + b"\7" * 63, KERNEL, CPU).state == ENABLED


def test_the_configuration_is_stored_as_it_was_loaded_or_as_zeros():
    assert t.sttilecfg(configured(3, start=2), KERNEL, CPU).data == configured(3, start=2).held(17)
    assert t.sttilecfg(ENABLED, KERNEL, CPU).data == bytes(64)
