import pytest

from actors.machine.xstate.contents import LOADED, SUPERVISED, kept, refuses
from actors.machine.xstate.tile_config import config


def test_of_pkru_four_bytes_are_loaded():
    assert LOADED[9](b"\1\2\3\4\5\6\7\x08") == b"\1\2\3\4\0\0\0\0"
    piece = b"\1\2\3\4" + bytes(4)
    assert LOADED[9](piece) is piece
    assert LOADED[9](b"\1" * 64) == b"\1" * 4 + bytes(60)


def test_a_configuration_that_is_none_is_loaded_as_the_initial_one():
    assert LOADED[17](config(16)) == config(16)
    assert LOADED[17](config(17)) == bytes(64)


@pytest.mark.parametrize(
    ("number", "piece", "same"),
    [
        (9, b"\1" + bytes(7), True),
        (9, b"\1" * 8, False),
        (17, config(3), True),
        (17, config(17), False),
        (2, b"\1" * 256, True),
    ],
)
def test_what_is_kept(number, piece, same):
    assert kept(number, piece) == same


@pytest.mark.parametrize(
    ("number", "at", "value", "fine"),
    [
        (11, 0, 0x40, False),
        (11, 0, 3, True),
        (11, 8, 1, False),
        (11, 8, 8, True),
        (12, 0, 2, False),
        (12, 8, 2, False),
        (12, 16, 2, False),
        (12, 16, 1 << 60, False),
        (12, 16, 0x1000, True),
    ],
)
def test_each_field_of_the_cet_components_is_looked_at(number, at, value, fine):
    piece = bytearray({11: 16, 12: 24}[number])
    piece[at : at + 8] = value.to_bytes(8, "little")
    assert (refuses(number, bytes(piece), 57) is None) == fine


def test_the_others_take_any_value():
    assert SUPERVISED == 1 << 11 | 1 << 12
