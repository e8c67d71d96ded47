"""What a CPU may be described as, and what is refused, with the reason."""

import msgspec
import pytest

from actors.machine.xstate import presets as p
from actors.machine.xstate.components import bits
from actors.machine.xstate.description import Description, ImpossibleCpu, StateComponent, facts, overlap
from actors.machine.xstate.presets import CATALOGUE, DESCRIPTIONS
from actors.runtime.errors import VmraceError

VECTORS = (p.AVX, p.OPMASK, p.ZMM_HI256, p.HI16_ZMM)


def changed(component, **fields):
    return msgspec.structs.replace(component, **fields)


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


IMPOSSIBLE = [
    ("component 0 (X87) cannot be disabled by XFD", {"components": (StateComponent(0, 160, xfd=True),)}),
    ("component 1 (SSE) lies in the legacy region", {"components": (StateComponent(1, 256, 600),)}),
    ("component 63: a bitmap has components 2 to 62", {"components": (StateComponent(63, 8, 5000),)}),
    ("(AVX) is described twice", {"components": (p.AVX, p.AVX)}),
    ("component 40 has no bytes", {"components": (StateComponent(40, 0, 5000),)}),
    ("(AVX) has 256 bytes, not 255", {"components": (changed(p.AVX, size=255),)}),
    ("(TILEDATA) has 8192 bytes", {"components": (p.TILECFG, changed(p.TILEDATA, size=4096))}),
    ("(PKRU) has at least 8 bytes", {"components": (changed(p.PKRU, size=4),)}),
    ("(AVX) is user state", {"components": (changed(p.AVX, supervisor=True, offset=0),)}),
    ("XCR0 has no bit for it", {"components": (StateComponent(11, 16, 5000),)}),
    ("no place for", {"components": (changed(p.CET_U, offset=5000),)}),
    ("lies in the legacy region or the header", {"components": (changed(p.AVX, offset=575),)}),
    ("overlap", {"components": (*VECTORS, StateComponent(40, 8, 1152 + 511))}),
    ("overlap", {"components": (*VECTORS, StateComponent(19, 128, 1024))}),
    ("XSAVES without XSAVEC", {"components": (), "xsavec": False}),
    ("XFD without XSAVES", {"components": (), "xsaves": False, "xfd": True}),
    ("there is no XSAVES", {"components": (p.CET_U,), "xsaves": False}),
    ("EAX[4] = 0", {"components": (p.TILECFG, p.TILEDATA_XFD)}),
    ("which XFD does not disable", {"components": (changed(p.PASID, xfd=True),), "xfd": True}),
    ("MPX state lacks component 4 (BNDCSR)", {"components": (p.BNDREGS,)}),
    ("AVX-512 state lacks component 6", {"components": (p.AVX, p.OPMASK, p.HI16_ZMM)}),
    ("AMX state lacks component 17 (TILECFG)", {"components": (p.TILEDATA,)}),
    ("AVX-512 state without AVX state", {"components": VECTORS[1:]}),
    ("52 linear-address bits", {"components": (), "linear_bits": 52}),
    ("MXCSR_MASK", {"components": (), "mxcsr_mask": 0x1FFFF}),
    ("MXCSR_MASK", {"components": (), "mxcsr_mask": 0}),
]


@pytest.mark.parametrize(("reason", "fields"), IMPOSSIBLE, ids=[reason for reason, _ in IMPOSSIBLE])
def test_what_cannot_be_is_refused_with_the_reason(reason, fields):
    with pytest.raises(ImpossibleCpu) as refused:
        Description("mine", **fields)
    assert str(refused.value).startswith("mine cannot exist: ")
    assert reason in str(refused.value)
    assert isinstance(refused.value, VmraceError)
    assert isinstance(refused.value, ValueError)


def test_apx_may_lie_where_mpx_does_and_nothing_else_may():
    cpu = Description("both", (p.BNDREGS, p.BNDCSR, p.APX))
    assert facts(cpu).overlapping
    assert overlap(p.APX, p.BNDREGS)
    assert overlap(p.APX, p.BNDCSR)
    assert not overlap(p.APX, p.OPMASK)


def test_a_pkru_of_64_bytes_as_amd_has_it_can_be_described():
    assert Description("amd", (changed(p.PKRU, size=64),)).size(9) == 64


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
