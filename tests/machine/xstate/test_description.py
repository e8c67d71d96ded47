"""What follows from a description, and what the presets describe."""

import pytest

from actors.machine.xstate import presets as p
from actors.machine.xstate.components import bits
from actors.machine.xstate.description import Description, ImpossibleCpu, StateComponent, facts
from actors.machine.xstate.presets import CATALOGUE, DESCRIPTIONS


def test_masks_and_sizes_follow_from_the_components():
    cpu = Description("mine", (p.AVX, p.PKRU, p.CET_U, p.TILECFG, p.TILEDATA_XFD), xfd=True)
    assert (cpu.xcr0, cpu.xss, cpu.xfd_capable) == (0x60207, 1 << 11, 1 << 18)
    assert [cpu.size(number) for number in (0, 1, 2, 9, 11, 17, 18)] == [152, 256, 256, 8, 16, 64, 8192]
    with pytest.raises(KeyError):
        cpu.size(5)


def test_x87_and_sse_are_always_there():
    assert Description("old", (), xsaves=False, xsavec=False, xsaveopt=False).xcr0 == 3


def test_a_component_that_nobody_has_heard_of_can_be_described():
    cpu = Description("future", (StateComponent(40, 100, 12000), StateComponent(41, 8, supervisor=True)))
    assert (cpu.xcr0, cpu.xss, cpu.size(40)) == (1 << 40 | 3, 1 << 41, 100)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_presets_exist(name):
    assert DESCRIPTIONS[name].name == name
    assert not facts(DESCRIPTIONS[name]).overlapping


def test_the_masks_of_the_presets():
    found = {name: (cpu.xcr0, cpu.xss, cpu.xfd_capable) for name, cpu in DESCRIPTIONS.items()}
    assert found == {
        "emerald_rapids": (0xE7, 0, 0),
        "emulated": (0x602E7, 0x5800, 0),
        "suites": (0x602E7, 0, 1 << 18),
        "sapphire_rapids": (0x602E7, 0xDD00, 1 << 18),
        "mail_2021": (0xE02E7, 0xDD00, 3 << 18),
    }


def test_the_catalogue_is_the_table_of_the_manual():
    rows = {one.number: (one.size, one.offset, one.supervisor) for one in CATALOGUE}
    assert rows == {
        2: (256, 576, False),
        3: (64, 960, False),
        4: (64, 1024, False),
        5: (64, 1088, False),
        6: (512, 1152, False),
        7: (1024, 1664, False),
        8: (128, 0, True),
        9: (8, 2688, False),
        10: (8, 0, True),
        11: (16, 0, True),
        12: (24, 0, True),
        13: (8, 0, True),
        14: (48, 0, True),
        15: (808, 0, True),
        16: (8, 0, True),
        17: (64, 2752, False),
        18: (8192, 2816, False),
        19: (128, 960, False),
    }
    assert [one.number for one in CATALOGUE if one.align64] == [17, 18]
    assert [one.number for one in CATALOGUE if one.xfd] == [18]


@pytest.mark.parametrize("xcr0", [3, 7, 0xE7, 0x1F, 0x602E7, 0x60003, 0x80003])
def test_an_offering_has_the_components_that_were_asked_for(xcr0):
    cpu = p.offering("guest", xcr0, 1 << 11)
    assert (cpu.xcr0, cpu.xss) == (xcr0, 1 << 11)
    assert bits(cpu.xfd_capable) == ((18,) if xcr0 >> 18 & 1 else ())


@pytest.mark.parametrize(
    ("xcr0", "xss", "words"),
    [
        (1 << 40 | 3, 0, "0x10000000000"),
        (0x40003, 0, "AMX"),
        (3 | 1 << 11, 0, "mix up"),
        (3, 4, "mix up"),
    ],
)
def test_an_offering_that_cannot_be_is_refused(xcr0, xss, words):
    with pytest.raises(ImpossibleCpu, match=words):
        p.offering("guest", xcr0, xss)
