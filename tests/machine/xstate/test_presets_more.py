"""The components of the presets, against the table of the manual (volume 1, 13.5) and what CPUs enumerate."""

import pytest

from actors.machine.xstate import presets

USER = {
    2: (256, 576),
    3: (64, 960),
    4: (64, 1024),
    5: (64, 1088),
    6: (512, 1152),
    7: (1024, 1664),
    9: (8, 2688),
    17: (64, 2752),
    18: (8192, 2816),
    19: (128, 960),
}
"""Component to size and offset in the standard format."""

SUPERVISOR = {8: 128, 10: 8, 11: 16, 12: 24, 13: 8, 14: 48, 15: 808, 16: 8}
ALIGNED, DYNAMIC = {17, 18}, {18}


def test_the_catalogue_is_the_table():
    assert {one.number: one.size for one in presets.CATALOGUE if one.supervisor} == SUPERVISOR
    user = {one.number: (one.size, one.offset) for one in presets.CATALOGUE if not one.supervisor}
    assert user == USER
    assert {one.number for one in presets.CATALOGUE if one.align64} == ALIGNED
    assert {one.number for one in presets.CATALOGUE if one.xfd} == DYNAMIC


@pytest.mark.parametrize(
    ("name", "xcr0", "xss", "dynamic"),
    [
        ("emerald_rapids", 0xE7, 0, 0),
        ("emulated", 0x602E7, 0x5800, 0),
        ("suites", 0x602E7, 0, 1 << 18),
        ("sapphire_rapids", 0x602E7, 0xDD00, 1 << 18),
        ("mail_2021", 0xE02E7, 0xDD00, 3 << 18),
    ],
)
def test_each_preset_has_its_components(name, xcr0, xss, dynamic):
    cpu = presets.DESCRIPTIONS[name]
    assert (cpu.xcr0, cpu.xss, cpu.xfd_capable, cpu.xfd) == (xcr0, xss, dynamic, bool(dynamic))
