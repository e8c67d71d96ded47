import pytest

from actors.machine.xstate.contents import LOADED, PARTICULAR, SUPERVISED, looked_at, refuses
from actors.machine.xstate.description import Description
from actors.machine.xstate.presets import SAPPHIRE_RAPIDS
from actors.machine.xstate.tile_config import config


def test_of_pkru_four_bytes_are_loaded():
    assert LOADED[9](b"\1\2\3\4\5\6\7\x08") == b"\1\2\3\4\0\0\0\0"
    piece = b"\1\2\3\4" + bytes(4)
    assert LOADED[9](piece) is piece
    assert LOADED[9](b"\1" * 64) == b"\1" * 4 + bytes(60)


def test_a_configuration_that_is_none_is_loaded_as_the_initial_one():
    assert LOADED[17](config(16)) == config(16)
    assert LOADED[17](config(17)) == bytes(64)


PLAIN = {9: b"\1" + bytes(7), 11: b"\3" + bytes(15), 12: b"\0\x10" + bytes(22), 13: bytes(8), 17: config(3)}
NOT_PLAIN = [
    (9, b"\1" * 8),  # its padding is not loaded
    (9, bytes(4) + b"\1" * 4),  # nothing of it is
    (11, b"\x40" + bytes(15)),  # refused
    (12, b"\2" + bytes(23)),
    (13, b"\1" + bytes(7)),  # the initial value
    (16, bytes.fromhex("01ff008000000000")),
    (17, config(17)),  # no configuration
]
FCW_40 = b"\x40" + bytes(23)
"""The least environment that is loaded as it is."""


def look(pieces, legacy=(), which=0, rexw=True, description=SAPPHIRE_RAPIDS):
    """Look at pieces of components, given by number in ascending order, behind those of the legacy region."""
    mask = which | sum(1 << number for number in pieces)
    return looked_at(mask, (*legacy, *pieces.values()), rexw, description)


def test_contents_that_are_held_as_they_are_need_nothing():
    assert look(PLAIN) == ((), 0)
    assert look({}) == ((), 0)
    assert sum(1 << number for number in PLAIN) | 1 << 16 == PARTICULAR


@pytest.mark.parametrize(("number", "piece"), NOT_PLAIN)
def test_one_that_is_changed_refused_or_initial_is_enough(number, piece):
    pieces = dict(sorted({**PLAIN, number: piece}.items()))
    assert look(pieces) is None


def test_a_shadow_stack_pointer_depends_on_the_linear_addresses():
    ssp = bytes(8) + (1 << 50).to_bytes(8, "little")
    assert look({11: ssp}) is not None
    assert look({11: ssp}, description=Description("narrow", (), linear_bits=48)) is None


def test_x87_state_and_mxcsr_are_loaded_and_the_others_follow():
    legacy = FCW_40, bytes(128), b"\xc0\x9f" + bytes(6)
    (loaded,), mxcsr = look(PLAIN, legacy, which=3)
    assert (loaded, mxcsr) == (FCW_40 + bytes(128), 0x9FC0)
    assert look(PLAIN, legacy[:2], which=1) == ((loaded,), 0)
    assert look(PLAIN, legacy[2:], which=2) == ((), 0x9FC0)


def test_x87_state_is_loaded_by_the_form_of_the_instruction():
    high = FCW_40[:8] + bytes(4) + b"\1" + bytes(11)
    assert look({}, (high, bytes(128)), which=1)[0][0][12] == 1
    assert look({}, (high, bytes(128)), which=1, rexw=False)[0][0][12] == 0


def test_initial_x87_state_and_an_illegal_mxcsr_are_no_usual_case():
    assert look({}, (b"\x7f\3" + bytes(22), bytes(128)), which=1) is None
    assert look({}, (b"\x80\x1f\1" + bytes(5),), which=2) is None


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
