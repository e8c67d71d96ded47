"""XRSTOR and XRSTORS, rule by rule: what is loaded, initialised and left alone, and what a fault leaves."""

import struct

import msgspec
import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate import presets as p
from actors.machine.xstate.components import COMPACTED, X87_INITIAL
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL, Environment, Operand, Pages
from actors.machine.xstate.layout import layout
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.tile_config import config
from protocol.registers import Vector

CPU = cpu_model("sapphire_rapids")
D = CPU.description
SIZE = 0x3000
EVERYTHING = 2**64 - 1
XCR0, XSS = 0x602E7, 0xDD00
ALL = XCR0 | XSS
OLD = Environment(long_mode=False)
REGULAR = {
    0: b"\x7f\x03" + bytes(2) + b"\xff" + bytes(19) + (b"\x55" * 10 + bytes(6)) * 8,
    9: b"\x66" * 4 + bytes(4),
    11: b"\x03" + bytes(15),
    12: b"\x00\x10" + bytes(22),
    17: config(16, 3),
}
both = pytest.mark.parametrize("name", ["xrstor", "xrstors"])


def image(number):
    """Return a content that is loaded as it is."""
    return REGULAR.get(number) or bytes([number + 0x40]) * D.size(number)


def old(*numbers, **fields):
    """Return registers with these components in use, everything enabled."""
    found = XState(xcr0=XCR0, xss=XSS)
    for number in numbers:
        found = found.loaded(number, b"\x99" * D.size(number))
    return msgspec.structs.replace(found, **fields)


def memory(xstate_bv, xcomp_bv=0, *, mxcsr=0x1F80, reserved=b"", **others):
    """Return an area with images of all components that have a place, and this header."""
    flat = bytearray(SIZE)
    flat[0:24], flat[32:160], flat[160:416] = image(0)[:24], image(0)[24:], image(1)
    flat[24:32] = struct.pack("<II", mxcsr, 0xFFFF)
    flat[512:576] = struct.pack("<QQ", xstate_bv, xcomp_bv) + reserved.ljust(48, b"\0")
    for number, at in layout(D, xcomp_bv).offset.items():
        flat[at : at + D.size(number)] = others.get(f"c{number}") or image(number)
    return bytes(flat)


def run(name, before, mask, flat, *, environment=KERNEL, cpu=CPU, **operand):
    found = restore(
        name, before, mask, Operand(images.from_bytes(flat, cpu.description), **operand), environment, cpu
    )
    assert found.area is None, "memory is only read"
    return found


def faults(found, vector=Vector.GP, error_code=0):
    return found.fault is not None and (found.fault.vector, found.fault.error_code) == (vector, error_code)


# Loading and initialising.

USER = [0, 1, 2, 5, 6, 7, 9, 17, 18]
WHERE = [("xrstor", 0, XCR0), ("xrstor", COMPACTED | XCR0, XCR0), ("xrstors", COMPACTED | ALL, ALL)]
forms = pytest.mark.parametrize(
    ("name", "xcomp_bv", "enabled"), WHERE, ids=["standard", "compacted", "xrstors"]
)


@forms
def test_everything_is_loaded(name, xcomp_bv, enabled):
    found = run(name, old(2, 5), EVERYTHING, memory(enabled, xcomp_bv))
    assert found.fault is None
    for number in range(19):
        if enabled >> number & 1:
            assert found.state.content(number, D) == image(number)
    assert found.state.in_use == enabled


@forms
def test_everything_is_initialised(name, xcomp_bv, enabled):
    found = run(name, old(*USER), EVERYTHING, memory(0, xcomp_bv))
    assert (found.state.live, found.state.in_use) == (0, 0)
    assert found.state.content(0, D) == X87_INITIAL


@forms
@pytest.mark.parametrize("number", USER)
def test_of_one_component_nothing_else_is_touched(name, xcomp_bv, enabled, number):
    before = old(*USER)
    for xstate_bv in (enabled, 0):
        after = run(name, before, 1 << number, memory(xstate_bv, xcomp_bv)).state
        for other in USER:
            expected = b"\x99" * D.size(other)
            if other == number:
                expected = (
                    image(number) if xstate_bv else (X87_INITIAL if number == 0 else bytes(D.size(number)))
                )
            assert after.content(other, D) == expected
        assert after.in_use == before.in_use & ~(0 if xstate_bv else 1 << number)


def test_a_component_that_the_area_has_no_place_for_is_initialised():
    after = run("xrstors", old(2, 5), 0x24, memory(4, COMPACTED | 4)).state
    assert (after.held(2), after.held(5)) == (image(2), None)


def test_a_restore_takes_a_reference():
    area = images.from_bytes(memory(XCR0, COMPACTED | XCR0), D)
    after = restore("xrstors", old(), EVERYTHING, Operand(area), KERNEL, CPU).state
    assert {id(after.held(n)) for n in (2, 5, 6, 7, 17, 18)} <= {id(content) for content in area.contents}


def test_a_component_that_is_zero_in_memory_is_loaded_and_in_use():
    flat = memory(4, COMPACTED | 4, c2=bytes(256))
    after = run("xrstors", old(2), 4, flat).state
    assert (after.held(2), after.in_use) == (None, 4)


def test_only_enabled_components_are_restored():
    after = run("xrstor", old(2, 9, 11, xcr0=7), EVERYTHING, memory(0)).state
    assert (after.held(2), after.held(9), after.held(11)) == (None, b"\x99" * 8, b"\x99" * 16)
    after = run("xrstors", old(11, 12, xss=1 << 11), EVERYTHING, memory(0, COMPACTED)).state
    assert (after.held(11), after.held(12)) == (None, b"\x99" * 24)


def test_the_rest_of_pkru_is_not_read():
    after = run("xrstor", old(), 1 << 9, memory(1 << 9, c9=b"\x77" * 8)).state
    assert after.held(9) == b"\x77" * 4 + bytes(4)
    after = run("xrstor", old(), 1 << 9, memory(1 << 9, c9=bytes(4) + b"\x77" * 4)).state
    assert (after.held(9), after.in_use) == (None, 1 << 9)


def test_an_illegal_configuration_is_initialised_without_a_fault_and_tiles_are_left_alone():
    found = run("xrstor", old(17, 18), 1 << 17, memory(1 << 17, c17=config(17)))
    assert found.fault is None
    assert (found.state.held(17), found.state.in_use) == (None, 1 << 18)
    assert found.state.held(18) == b"\x99" * 8192


@pytest.mark.parametrize("padding", [bytes(4), b"\x77" * 4], ids=["at once", "one by one"])
def test_a_configuration_of_zeros_is_legal_and_in_use_once_it_is_loaded(padding):
    """With padding that PKRU does not load, each component is looked at by itself."""
    both = 1 << 9 | 1 << 17
    found = run("xrstor", old(17), both, memory(both, c17=bytes(64), c9=b"\x66" * 4 + padding))
    assert (found.state.held(17), found.state.in_use) == (None, both)


def test_tiles_are_loaded_without_a_configuration():
    after = run("xrstor", old(), 1 << 18, memory(1 << 18)).state
    assert after.held(18) == image(18)


@pytest.mark.parametrize(("rexw", "fip"), [(True, 0xFF << 56 | 5), (False, 5)])
def test_x87_pointers_depend_on_rex_w(rexw, fip):
    flat = bytearray(memory(1))
    flat[8:16] = struct.pack("<Q", 1 << 56 | 5)
    after = run("xrstor", old(), 1, bytes(flat), rexw=rexw).state
    assert after.held(0)[8:16] == struct.pack("<Q", fip)


def test_initial_x87_state_can_be_loaded():
    flat = bytearray(memory(1))
    flat[0:24], flat[32:160] = X87_INITIAL[:24], bytes(128)
    after = run("xrstor", old(), 1, bytes(flat)).state
    assert (after.live, after.in_use) == (0, 1)


# MXCSR.


@pytest.mark.parametrize(
    ("mask", "xstate_bv", "xcomp_bv", "left"),
    [
        (1, 7, 0, 0x1FA0),
        (2, 7, 0, 0x1FC0),
        (4, 7, 0, 0x1FC0),
        (2, 0, 0, 0x1FC0),
        (4, 0, 0, 0x1FC0),
        (1, 7, COMPACTED | 7, 0x1FA0),
        (2, 7, COMPACTED | 7, 0x1FC0),
        (4, 7, COMPACTED | 7, 0x1FA0),
        (2, 0, COMPACTED | 7, 0x1F80),
        (4, 0, COMPACTED | 7, 0x1FA0),
    ],
)
def test_what_becomes_of_mxcsr(mask, xstate_bv, xcomp_bv, left):
    after = run("xrstor", old(mxcsr=0x1FA0), mask, memory(xstate_bv, xcomp_bv, mxcsr=0x1FC0)).state
    assert after.mxcsr == left


@pytest.mark.parametrize(
    ("mask", "xstate_bv", "xcomp_bv", "fault"),
    [
        (1, 7, 0, False),
        (2, 0, 0, True),
        (4, 0, 0, True),
        (2, 2, COMPACTED | 7, True),
        (2, 0, COMPACTED | 7, False),
        (4, 4, COMPACTED | 7, False),
    ],
)
def test_a_reserved_bit_of_mxcsr_is_gp_where_it_would_be_loaded(mask, xstate_bv, xcomp_bv, fault):
    found = run("xrstor", old(), mask, memory(xstate_bv, xcomp_bv, mxcsr=0x11F80))
    assert faults(found) == fault


def test_in_the_standard_form_nothing_changes_then():
    before = old(0, 1, 2, 5, mxcsr=0x1FA0)
    assert run("xrstor", before, EVERYTHING, memory(3, mxcsr=0x11F80)).state == before


@both
def test_in_the_compacted_form_part_of_the_work_is_done(name):
    before = old(0, 1, 2, 5, 9, 17, mxcsr=0x1FA0)
    after = run(name, before, 0x227, memory(0x27 & ~4, COMPACTED | 0x227, mxcsr=0x11F80)).state
    assert (after.held(0), after.held(1)) == (image(0), image(1)), "loaded"
    assert (after.held(2), after.held(9)) == (None, None), "initialised"
    assert after.held(5) == b"\x99" * 64, "not loaded yet"
    assert after.held(17) == b"\x99" * 64, "not requested"
    assert after.mxcsr == 0x1FA0


def test_bits_that_the_cpu_has_no_mask_for_are_reserved_too():
    cpu = CpuModel(Description("old", (), mxcsr_mask=0xFFBF))
    for mxcsr, fault in ((0x1F80, False), (0x1FC0, True)):
        flat = bytearray(600)
        flat[24:28] = struct.pack("<I", mxcsr)
        assert faults(run("xrstor", XState(xcr0=3), 2, bytes(flat), cpu=cpu)) == fault


# Headers.


@pytest.mark.parametrize("mask", [0, EVERYTHING])
@pytest.mark.parametrize(
    ("name", "xstate_bv", "xcomp_bv", "reserved", "fault"),
    [
        ("xrstor", 1 << 3, 0, b"", True),
        ("xrstor", 1 << 11, 0, b"", True),
        ("xrstor", 0, 1, b"", True),
        ("xrstor", 0, 0, b"\1", True),
        ("xrstor", 0, 0, bytes(7) + b"\1", True),
        ("xrstor", 0, 0, bytes(8) + b"\1" * 40, False),
        ("xrstor", 0, COMPACTED, bytes(8) + b"\1", True),
        ("xrstor", 0, COMPACTED, bytes(47) + b"\1", True),
        ("xrstor", 0, COMPACTED | 1 << 11, b"", True),
        ("xrstors", 0, COMPACTED | 1 << 11, b"", False),
        ("xrstors", 0, COMPACTED | 1 << 13, b"", True),
        ("xrstors", 0, 0, b"", True),
        ("xrstors", 4, COMPACTED | 2, b"", True),
        ("xrstors", COMPACTED, COMPACTED, b"", True),
        ("xrstors", 0, COMPACTED, b"\1", True),
    ],
)
def test_the_header_is_checked_whatever_is_requested_and_a_fault_changes_nothing(
    name, xstate_bv, xcomp_bv, reserved, fault, mask
):
    before = old(2, 18)
    found = run(name, before, mask, memory(xstate_bv, xcomp_bv, reserved=reserved))
    assert faults(found) == fault
    assert not fault or found.state == before


def test_a_cpu_without_the_compacted_format_takes_bit_63_for_a_reserved_one():
    cpu = CpuModel(Description("old", (p.AVX,), xsavec=False, xsaves=False))
    assert faults(run("xrstor", XState(xcr0=7), 7, memory(0, COMPACTED), cpu=cpu))
    assert run("xrstor", XState(xcr0=7), 7, memory(0), cpu=cpu).fault is None


@pytest.mark.parametrize(("number", "piece"), [(11, b"\x40" + bytes(15)), (12, bytes(8) + b"\1" + bytes(15))])
def test_a_supervisor_value_that_its_msr_cannot_hold_is_gp_if_it_would_be_loaded(number, piece):
    before, bit = old(2, number), 1 << number
    flat = memory(bit | 4, COMPACTED | ALL, **{f"c{number}": piece})
    found = run("xrstors", before, bit | 4, flat)
    assert faults(found)
    assert found.state == before
    assert run("xrstors", before, 4, flat).fault is None
    flat = memory(4, COMPACTED | ALL, **{f"c{number}": piece})
    assert run("xrstors", before, bit | 4, flat).fault is None


# XFD.


@forms
def test_xfd_stops_what_would_be_loaded_and_not_what_would_be_initialised(name, xcomp_bv, enabled):
    del enabled
    before = old(2, 17, 18, xfd=1 << 18)
    found = run(name, before, 0x60004, memory(1 << 18, xcomp_bv))
    assert faults(found, Vector.NM, None)
    assert found.state == msgspec.structs.replace(before, xfd_err=1 << 18)
    after = run(name, before, 0x60004, memory(4, xcomp_bv))
    assert after.fault is None
    assert (after.state.held(18), after.state.xfd_err) == (None, 0)
    assert run(name, before, 4, memory(4 | 1 << 18, xcomp_bv)).fault is None, "not requested"


@pytest.mark.parametrize(
    "environment", [KERNEL, Environment(long_mode=False)], ids=["64-bit", "compatibility"]
)
@pytest.mark.parametrize("xcomp_bv", [0, COMPACTED | 0x40004])
def test_xfd_does_not_stop_a_restore_of_other_components(environment, xcomp_bv):
    """SDM volume 1, 13.14: a component in memory that RFBM does not have is not loaded, whatever XFD says of it."""
    before = old(2, xfd=1 << 18)
    found = run("xrstor", before, 4, memory(0x40004, xcomp_bv), environment=environment)
    assert found.fault is None
    assert found.state.xfd_err == 0
    assert found.state.held(2)[:128] == image(2)[:128]


def test_the_header_is_checked_before_xfd_and_mxcsr_behind_it():
    before = old(xfd=1 << 18)
    assert faults(run("xrstors", before, 1 << 18, memory(1 << 18, COMPACTED | 2)))
    found = run("xrstor", before, EVERYTHING, memory(1 << 18 | 2, mxcsr=0x11F80))
    assert faults(found, Vector.NM, None)


def test_xfd_has_no_effect_without_the_bit_in_xcr0():
    before = old(xfd=1 << 11)
    assert run("xrstors", before, 1 << 11, memory(1 << 11, COMPACTED | ALL)).fault is None


# Tracking.


@pytest.mark.parametrize(("xcomp_bv", "kept"), [(0, 0), (COMPACTED | XCR0, COMPACTED | XCR0)])
def test_a_restore_leaves_its_info_and_what_it_did_not_restore_as_modified(xcomp_bv, kept):
    after = run(
        "xrstor", old(), 0x7, memory(0, xcomp_bv), address=0x1000, environment=Environment(cpl=3)
    ).state
    assert after.xrstor_info == XrstorInfo(3, False, 0x1000, kept)
    assert after.xmodified == ALL & ~7


def test_in_a_guest_the_info_says_so():
    after = run(
        "xrstors", old(), 7, memory(0, COMPACTED), address=64, environment=Environment(non_root=True)
    ).state
    assert after.xrstor_info == XrstorInfo(0, True, 64, COMPACTED)


@pytest.mark.parametrize(
    "how", [{"address": None}, {"address": 64, "cpu": cpu_model("sapphire_rapids", tracking="by_value")}]
)
def test_without_an_address_or_by_value_nothing_is_tracked(how):
    before = old(xrstor_info=XrstorInfo(0, False, 64, 0), xmodified=7)
    after = run("xrstor", before, 7, memory(0), **how).state
    assert (after.xrstor_info, after.xmodified) == (None, 0)


def test_what_a_faulting_restore_changed_counts_as_modified():
    before = old(0, 5, xrstor_info=XrstorInfo(0, False, 64, 0))
    after = run("xrstor", before, 0x22, memory(2, COMPACTED | 0x22, mxcsr=0x11F80), address=128).state
    assert (after.xrstor_info, after.xmodified) == (before.xrstor_info, 0x22)


# Compatibility mode.


def halves(number):
    low = D.size(number) // 2
    return image(number)[:low] + b"\x99" * low


def test_in_compatibility_mode_registers_0_to_7_are_loaded():
    before = old(1, 2, 6, 7)
    after = run("xrstor", before, EVERYTHING, memory(XCR0), environment=OLD).state
    for number in (1, 2, 6):
        assert after.held(number) == halves(number)
    assert after.held(7) == b"\x99" * 1024
    assert after.in_use & 0xC6 == 0xC6


def test_in_compatibility_mode_registers_0_to_7_are_initialised_and_the_others_keep_the_component_in_use():
    before = old(1, 2, 6, 7)
    after = run("xrstor", before, EVERYTHING, memory(0), environment=OLD).state
    for number in (1, 2, 6):
        low = D.size(number) // 2
        assert after.held(number) == bytes(low) + b"\x99" * low
    assert (after.xinuse, after.xinuse_upper) == (0x80, 0x46)


def test_an_upper_half_that_was_not_in_use_does_not_come_into_use():
    before = old(xinuse=0x46, xinuse_upper=4).holding(2, bytes(128) + b"\1" * 128)
    after = run("xrstor", before, EVERYTHING, memory(0), environment=OLD).state
    assert (after.xinuse, after.xinuse_upper) == (0, 4)


def test_if_registers_8_to_15_are_zero_over_their_whole_width_their_components_are_not_in_use():
    before = old(xinuse=0x46, xinuse_upper=0x46)
    after = run("xrstor", before, EVERYTHING, memory(0), environment=OLD).state
    assert (after.xinuse, after.xinuse_upper) == (0, 0)
    one = before.holding(6, bytes(511) + b"\1")
    after = run("xrstor", one, EVERYTHING, memory(0), environment=OLD).state
    assert after.xinuse_upper == 0x46, "one byte in one of them is enough"


def test_in_compatibility_mode_xfd_and_faults_are_the_same():
    assert faults(run("xrstor", old(), 0, memory(8), environment=OLD))
    found = run("xrstor", old(xfd=1 << 18), 1 << 18, memory(1 << 18), environment=OLD)
    assert faults(found, Vector.NM, None)


# Page faults.


@pytest.mark.parametrize(
    ("name", "mask", "xstate_bv", "xcomp_bv", "absent", "offset"),
    [
        ("xrstor", 1 << 18, 0, 0, (8192, 12288), 8192),
        ("xrstor", 0xE7, 0xE7, 0, (8192, 12288), None),
        ("xrstor", 1, 1, 0, (0, 24), 0),
        ("xrstor", 1, 1, 0, (512, 576), 512),
        ("xrstors", 1 << 18, 0, COMPACTED | 1 << 18, (8192, 12288), 8192),
        ("xrstors", 1 << 18, 0, COMPACTED | 4, (832, 12288), None),
        ("xrstors", 0x24, 0x24, COMPACTED | 0x24, (576, 12288), 832),
    ],
)
def test_a_page_fault_changes_nothing_and_the_last_component_is_probed_first(
    name, mask, xstate_bv, xcomp_bv, absent, offset
):
    before = old(2, 18)
    found = run(name, before, mask, memory(xstate_bv, xcomp_bv), pages=Pages(absent=(absent,)))
    if offset is None:
        assert found.fault is None
    else:
        assert faults(found, Vector.PF, 0)
        assert (found.fault.offset, found.state) == (offset, before)


def test_the_header_is_read_before_it_is_checked_and_checked_before_data_are_read():
    bad = memory(1 << 3)
    assert faults(run("xrstor", old(), 1, bad, pages=Pages(absent=((512, 576),))), Vector.PF, 0)
    assert faults(run("xrstor", old(), 1 << 18, bad, pages=Pages(absent=((8192, 12288),))))


def test_reading_is_possible_where_writing_is_not():
    assert run("xrstor", old(), 1, memory(1), pages=Pages(read_only=((0, SIZE),))).fault is None


# Where the standard format has two components in one place.


def test_apx_state_is_restored_from_the_place_of_mpx_state():
    cpu = CpuModel(p.offering("apx", 0x8001F | 4))
    flat = bytearray(2000)
    flat[512:520] = struct.pack("<Q", 1 << 19)
    flat[960:1088] = bytes(range(128))
    after = run("xrstor", XState(xcr0=0x80003), 1 << 19, bytes(flat), cpu=cpu).state
    assert after.held(19) == bytes(range(128))
