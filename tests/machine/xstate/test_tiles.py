import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import TILECFG, TILEDATA
from actors.machine.xstate import tiles
from actors.machine.xstate.registers import XState

BOTH = TILECFG | TILEDATA
ENABLED = XState(xcr0=0x600E7)
numbers = st.integers(0, 7)


def image(shapes, palette=1):
    """A TILECFG image written out field by field, as the manual's figure has it."""
    fields = bytearray(64)
    fields[0] = palette
    for tile, (rows, colsb) in enumerate(shapes):
        fields[16 + 2 * tile : 18 + 2 * tile] = colsb.to_bytes(2, "little")
        fields[48 + tile] = rows
    return bytes(fields)


rows = st.one_of(st.sampled_from([0, 1, 15, 16, 17]), st.integers(0, 255))
columns = st.one_of(st.sampled_from([0, 1, 63, 64, 65, 256]), st.integers(0, 0xFFFF))
shapes = st.lists(st.tuples(rows, columns), min_size=1, max_size=8)
good_shapes = st.lists(
    st.one_of(st.just((0, 0)), st.tuples(st.integers(1, 16), st.integers(1, 64))), min_size=8, max_size=8
)


@given(shapes)
def test_a_configuration_is_accepted_if_each_tile_fits_and_none_has_rows_without_columns(chosen):
    fits = all((rows == 0 and colsb == 0) or (1 <= rows <= 16 and 1 <= colsb <= 64) for rows, colsb in chosen)
    assert tiles.acceptable(image(chosen)) == fits


@pytest.mark.parametrize("shape", [(0, 64), (16, 0), (17, 64), (16, 65), (1, 256)])
@pytest.mark.parametrize("tile", range(8))
def test_one_tile_that_does_not_fit_is_enough(tile, shape):
    assert not tiles.acceptable(image([(0, 0)] * tile + [shape]))


@given(chosen=good_shapes)
def test_every_configuration_that_fits_is_accepted(chosen):
    assert tiles.acceptable(image(chosen))


@pytest.mark.parametrize("at", [*range(2, 16), *range(32, 48), *range(56, 64)])
def test_reserved_bytes_have_to_be_zero(at):
    wrong = bytearray(image([(16, 64)]))
    wrong[at] = 1
    assert not tiles.acceptable(bytes(wrong))


@pytest.mark.parametrize("palette", range(256))
def test_there_are_two_palettes(palette):
    assert tiles.acceptable(image([], palette)) == (palette <= 1)


@given(st.binary(min_size=63, max_size=63))
def test_palette_0_asks_no_more_questions(rest):
    assert tiles.acceptable(b"\0" + rest)


def test_an_image_of_another_length_is_not_a_configuration():
    assert not tiles.acceptable(image([(16, 64)])[:-1])
    assert not tiles.acceptable(image([(16, 64)]) + b"\0")


def test_the_helper_for_programs_writes_the_same_image():
    assert tiles.config(16, 0, 3, colsb=48) == image([(16, 48), (0, 0), (3, 48)])


def test_tiles_are_enabled_by_both_bits_of_xcr0():
    assert [tiles.enabled(XState(xcr0=0b111 | bits)) for bits in (0, TILECFG, TILEDATA, BOTH)] == [
        False,
        False,
        False,
        True,
    ]


@given(chosen=good_shapes, tile=numbers)
def test_a_tile_has_the_shape_that_the_configuration_gives_it(chosen, tile):
    state = tiles.ldtilecfg(ENABLED, image(chosen))
    rows, colsb = chosen[tile]
    assert tiles.shape(state, tile) == ((rows, colsb) if rows else None)


@given(chosen=good_shapes, tile=numbers, data=st.binary(min_size=1024, max_size=1024))
def test_a_load_takes_its_rows_and_columns_and_zeroes_the_rest(chosen, tile, data):
    chosen[tile] = (3, 5)
    state = tiles.tileloadd(tiles.ldtilecfg(ENABLED, image(chosen)), tile, data)
    stored = tiles.tilestored(state, tile)
    assert len(stored) == 1024
    for at, byte in enumerate(stored):
        row, column = divmod(at, 64)
        assert byte == (data[at] if row < 3 and column < 5 else 0)


@given(tile=numbers, other=numbers)
def test_a_load_leaves_the_other_tiles_alone(tile, other):
    state = tiles.ldtilecfg(ENABLED, tiles.config(*[16] * 8))
    for number in range(8):
        state = tiles.tileloadd(state, number, bytes([number + 1]) * 1024)
    state = tiles.tilezero(tiles.tileloadd(state, tile, b"\xee" * 1024), other)
    for number in range(8):
        expected = 0 if number == other else 0xEE if number == tile else number + 1
        assert tiles.tilestored(state, number) == bytes([expected]) * 1024


def test_data_shorter_than_a_tile_is_followed_by_zeros():
    state = tiles.tileloadd(tiles.ldtilecfg(ENABLED, tiles.config(16)), 0, b"\1\2")
    assert tiles.tilestored(state, 0) == b"\1\2" + bytes(1022)


def test_tiles_are_in_use_from_the_first_load_until_they_are_released():
    configured = tiles.ldtilecfg(ENABLED, tiles.config(16))
    assert configured.in_use == TILECFG
    loaded = tiles.tileloadd(configured, 0, b"\1" * 1024)
    assert loaded.in_use == BOTH
    assert tiles.tilezero(loaded, 0).in_use == BOTH, "zeroed is not initial"
    assert tiles.tilerelease(loaded) == ENABLED


def test_a_new_configuration_makes_the_tiles_initial_and_palette_0_the_configuration_too():
    loaded = tiles.tileloadd(tiles.ldtilecfg(ENABLED, tiles.config(16)), 0, b"\1" * 1024)
    again = tiles.ldtilecfg(loaded, tiles.config(16, 16))
    assert again.in_use == TILECFG
    assert tiles.tilestored(again, 0) == bytes(1024)
    assert tiles.ldtilecfg(loaded, bytes(64)) == ENABLED
