import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate import tile_config as t


def image(shapes, palette=1, start=0):
    """A TILECFG image written out field by field, as the manual's figure has it."""
    fields = bytearray(64)
    fields[0], fields[1] = palette, start
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
    assert t.acceptable(image(chosen)) == fits
    assert t.loaded(image(chosen)) == (image(chosen) if fits else bytes(64))


@pytest.mark.parametrize("shape", [(0, 64), (16, 0), (17, 64), (16, 65), (1, 256)])
@pytest.mark.parametrize("tile", range(8))
def test_one_tile_that_does_not_fit_is_enough(tile, shape):
    assert not t.acceptable(image([(0, 0)] * tile + [shape]))


@given(chosen=good_shapes, start=st.integers(0, 255))
def test_every_configuration_that_fits_is_accepted_whatever_the_row_to_start_with(chosen, start):
    assert t.acceptable(image(chosen, start=start))


@pytest.mark.parametrize("at", [*range(2, 16), *range(32, 48), *range(56, 64)])
def test_reserved_bytes_have_to_be_zero(at):
    wrong = bytearray(image([(16, 64)]))
    wrong[at] = 1
    assert not t.acceptable(bytes(wrong))


@pytest.mark.parametrize("palette", range(256))
def test_there_are_two_palettes(palette):
    assert t.acceptable(image([], palette)) == (palette <= 1)


@given(st.binary(min_size=63, max_size=63))
def test_palette_0_asks_no_more_questions_and_is_the_initial_state(rest):
    assert t.acceptable(b"\0" + rest)
    assert t.loaded(b"\0" + rest) == bytes(64)


def test_an_image_of_another_length_is_not_a_configuration():
    assert not t.acceptable(image([(16, 64)])[:-1])
    assert not t.acceptable(image([(16, 64)]) + b"\0")


def test_the_helper_for_programs_writes_the_same_image():
    assert t.config(16, 0, 3, colsb=48) == image([(16, 48), (0, 0), (3, 48)])


@given(chosen=good_shapes, tile=st.integers(0, 7))
def test_a_tile_has_the_shape_that_the_configuration_gives_it(chosen, tile):
    rows, colsb = chosen[tile]
    assert t.shape(image(chosen), tile) == ((rows, colsb) if rows else None)
    assert t.shape(image(chosen, palette=0), tile) is None


def test_the_row_to_start_with_is_byte_1_and_can_be_set_back():
    found = image([(16, 64)], start=5)
    assert t.start_row(found) == 5
    assert t.restarted(found) == image([(16, 64)])
