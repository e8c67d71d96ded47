"""CPUID leaf 0DH: the recorded CPU's, an Intel host's as it was posted, and the second XFD-capable component."""

import json
from pathlib import Path

import pytest

from actors.machine.xstate import presets as p
from actors.machine.xstate.cpuid import cpuid_0d
from actors.machine.xstate.description import Description

RECORDED = json.loads((Path(__file__).parents[2] / "vectors" / "hw-cpu.json").read_text())

POSTED = {
    0: (0x602E7, 0x2B00, 0x2B00, 0),
    2: (0x100, 0x240, 0, 0),
    5: (0x40, 0x440, 0, 0),
    6: (0x200, 0x480, 0, 0),
    7: (0x400, 0x680, 0, 0),
    8: (0x80, 0, 1, 0),
    9: (8, 0xA80, 0, 0),
    10: (8, 0, 1, 0),
    11: (0x10, 0, 1, 0),
    12: (0x18, 0, 1, 0),
    14: (0x30, 0, 1, 0),
    15: (0x328, 0, 1, 0),
    17: (0x40, 0xAC0, 2, 0),
    18: (0x2000, 0xB00, 6, 0),
}
"""What the host of <20220322082652.GA30793@yangzhon-Virtual> answered, but for sub-leaf 1."""


@pytest.mark.parametrize("sub", [0, 1, 2, 5, 6, 7])
def test_the_recorded_cpu_answers_as_recorded(sub):
    raw = tuple(int(word, 16) for word in RECORDED["cpuid_raw"][f"d.{sub}"])
    assert cpuid_0d(p.EMERALD_RAPIDS, sub, 0xE7, 0) == raw


@pytest.mark.parametrize("sub", POSTED)
def test_sapphire_rapids_answers_as_posted(sub):
    assert cpuid_0d(p.SAPPHIRE_RAPIDS, sub, 0x602E7, 0) == POSTED[sub]


@pytest.mark.parametrize("sub", [3, 4, 13, 16, 19, 31, 63, 64, 2**32 - 1])
def test_a_sub_leaf_without_a_component_is_zeros(sub):
    assert cpuid_0d(p.SAPPHIRE_RAPIDS, sub, 0x602E7, 0) == (0, 0, 0, 0)


def test_sub_leaf_1_of_the_posted_host_has_the_size_of_what_linux_enabled_there():
    eax, ebx, ecx, edx = cpuid_0d(p.SAPPHIRE_RAPIDS, 1, 0x602E7, 1 << 15)
    assert (eax, ebx, ecx, edx) == (0x1F, 0x2D00, 0xDD00, 0), "LBR state, and alignment before TILECFG"


@pytest.mark.parametrize(
    ("xcr0", "size"), [(1, 576), (3, 576), (7, 832), (0xE7, 2688), (0x2E7, 2696), (0x602E7, 11008)]
)
def test_sub_leaf_0_tells_the_standard_size_of_what_is_enabled(xcr0, size):
    assert cpuid_0d(p.SAPPHIRE_RAPIDS, 0, xcr0, 0)[1:3] == (size, 11008)


@pytest.mark.parametrize(
    ("xcr0", "xss", "size"),
    [
        (3, 0, 576),
        (7, 0, 832),
        (0xE7, 0, 2432),
        (3, 1 << 11, 592),
        (0x60003, 0, 576 + 64 + 8192),
        (0x60203, 0, 640 + 64 + 8192),
        (0x602E7, 0, 2496 + 64 + 8192),
    ],
)
def test_sub_leaf_1_tells_the_compacted_size_with_alignment(xcr0, xss, size):
    assert cpuid_0d(p.SAPPHIRE_RAPIDS, 1, xcr0, xss)[1] == size


def test_the_second_dynamic_component_is_enumerated_like_the_first():
    assert cpuid_0d(p.MAIL_2021, 19, 0xE02E7, 0) == (64, 11008, 6, 0)
    assert cpuid_0d(p.MAIL_2021, 0, 0xE02E7, 0)[1] == 11008 + 64


@pytest.mark.parametrize(
    ("fields", "eax"),
    [
        ({}, 0b01111),
        ({"xfd": True}, 0b11111),
        ({"xsaveopt": False}, 0b01110),
        ({"xgetbv1": False}, 0b01011),
        ({"xsaves": False}, 0b00111),
        ({"xsaves": False, "xsavec": False}, 0b00101),
    ],
)
def test_sub_leaf_1_tells_the_features(fields, eax):
    cpu = Description("mine", (p.AVX,), **fields)
    assert cpuid_0d(cpu, 1, 7, 0)[0] == eax


def test_without_the_compacted_format_there_is_no_compacted_size():
    cpu = Description("mine", (p.AVX,), xsaves=False, xsavec=False)
    assert cpuid_0d(cpu, 1, 7, 0)[1] == 0


def test_supported_bits_above_31_are_in_edx():
    from actors.machine.xstate.description import StateComponent

    cpu = Description("future", (StateComponent(40, 8, 600), StateComponent(41, 8, supervisor=True)))
    assert cpuid_0d(cpu, 0, 3, 0)[3] == 1 << 8
    assert cpuid_0d(cpu, 1, 3, 0)[2:] == (0, 1 << 9)
