"""The four saves, rule by rule, on flat bytes: memory before and after, and what of it changed."""

import struct

import msgspec
import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL, Environment, Operand, Pages
from actors.machine.xstate.layout import compacted
from actors.machine.xstate.presets import HDC, HWP
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.save import SAVES, save
from protocol.registers import Vector

CPU = cpu_model("sapphire_rapids")
D = CPU.description
SIZE = 0x3000
EVERYTHING = 2**64 - 1
XCR0, XSS = 0x602E7, 0xDD00
OLD = Environment(long_mode=False)
STANDARD = {1: 160, 2: 576, 5: 1088, 6: 1152, 7: 1664, 9: 2688, 17: 2752, 18: 2816}
X87 = bytes(range(1, 25)) + bytes(16 * 8)
GARBAGE = b"\xee"

user_forms = pytest.mark.parametrize("name", ["xsave", "xsaveopt", "xsavec"])
standard_forms = pytest.mark.parametrize("name", ["xsave", "xsaveopt"])
compacted_forms = pytest.mark.parametrize("name", ["xsavec", "xsaves"])


def filled(number):
    return bytes([number + 0x10]) * D.size(number)


def state(*numbers, **fields):
    """Return registers with these components in use and filled, everything enabled."""
    found = XState(xcr0=XCR0, xss=XSS)
    for number in numbers:
        found = found.loaded(number, X87 if number == 0 else filled(number))
    return msgspec.structs.replace(found, **fields)


def memory(xstate_bv=0, xcomp_bv=0):
    """Return an area of garbage with this header."""
    flat = bytearray(GARBAGE * SIZE)
    flat[512:576] = struct.pack("<QQ", xstate_bv, xcomp_bv) + b"\xee" * 48
    return bytes(flat)


def run(name, registers, mask=EVERYTHING, before=None, *, environment=KERNEL, cpu=CPU, **operand):
    before = memory() if before is None else before
    found = save(name, registers, mask, Operand(images.from_bytes(before, D), **operand), environment, cpu)
    return found, images.to_bytes(found.area, SIZE)


def changed(before, after):
    return {at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other}


def span(at, size):
    return set(range(at, at + size))


def header(after):
    return struct.unpack("<QQ", after[512:528])


# Headers.


@standard_forms
def test_the_standard_saves_replace_the_bits_of_rfbm_and_keep_the_others_and_xcomp_bv(name):
    before = memory(0xFF00_0000_0000_0088, 0x1234)
    _, after = run(name, state(2, 18), 0x400E7, before)
    assert header(after) == (0xFF00_0000_0000_000C | 1 << 18, 0x1234)


@compacted_forms
def test_the_compacted_saves_write_both_words_and_nothing_of_the_old_ones(name):
    _, after = run(name, state(2, 18), 0x400E7, memory(EVERYTHING, 0x1234))
    assert header(after) == (4 | 1 << 18, COMPACTED | 0x400E7)


@user_forms
def test_rfbm_is_the_mask_and_xcr0(name):
    _, after = run(name, state(2, 5, 11, xcr0=7), EVERYTHING, memory())
    assert header(after)[0] == 4
    if name == "xsavec":
        assert header(after)[1] == COMPACTED | 7


def test_for_xsaves_it_is_the_mask_and_xcr0_or_xss():
    _, after = run("xsaves", state(2, 11, 12, xss=1 << 11))
    assert header(after) == (4 | 1 << 11, COMPACTED | XCR0 | 1 << 11)


def test_xsavec_of_nothing_writes_its_header_all_the_same():
    before = memory(7, 7)
    _, after = run("xsavec", state(0, 1, 2), 0, before)
    assert header(after) == (0, COMPACTED)
    assert changed(before, after) <= span(512, 16)


def test_a_component_in_use_that_is_initial_is_in_use():
    _, after = run("xsavec", XState(xcr0=7, xinuse=7), 7)
    assert header(after)[0] == 7
    assert after[576:832] == bytes(256), "and is written"


@pytest.mark.parametrize(("number", "value"), [(13, "01"), (16, "01ff0080")])
@pytest.mark.parametrize("before", [memory(), bytes(SIZE)], ids=["garbage", "zeros"])
def test_the_initial_content_of_hdc_and_hwp_state_is_not_zero(number, value, before):
    cpu = CpuModel(Description("hdc", (HDC, HWP)))
    registers = XState(xcr0=3, xss=1 << number, xinuse=1 << number)
    operand = Operand(images.from_bytes(before, cpu.description))
    found = save("xsaves", registers, 1 << number, operand, KERNEL, cpu)
    assert images.to_bytes(found.area, 584)[576:] == bytes.fromhex(value).ljust(8, b"\0")


# Data.


def test_xsave_writes_every_component_of_rfbm_initial_or_not():
    before = memory()
    _, after = run("xsave", state(2), 0x602E7, before)
    expected = bytearray(before)
    expected[512:528] = struct.pack("<QQ", 4, 0)
    expected[0:24], expected[32:160] = b"\x7f\x03" + bytes(22), bytes(128)
    expected[24:32] = struct.pack("<II", 0x1F80, 0xFFFF)
    for number, at in STANDARD.items():
        expected[at : at + D.size(number)] = filled(2) if number == 2 else bytes(D.size(number))
    assert after == bytes(expected)


def test_xsaveopt_writes_what_is_in_use_and_mxcsr():
    before = memory()
    _, after = run("xsaveopt", state(2, 9), 0x602E7, before)
    assert changed(before, after) <= span(512, 8) | span(24, 8) | span(576, 256) | span(2688, 8)
    assert after[576:832] == filled(2)
    assert after[2688:2696] == filled(9)


@compacted_forms
def test_the_compacted_saves_write_what_is_in_use_at_the_places_that_rfbm_makes(name):
    before, mask = memory(), 0x60225
    _, after = run(name, state(0, 5, 17, 18), mask, before)
    offset = compacted(D, COMPACTED | mask).offset
    assert offset == {2: 576, 5: 832, 9: 896, 17: 960, 18: 1024}
    for number in (5, 17, 18):
        assert after[offset[number] : offset[number] + D.size(number)] == filled(number)
    assert after[:24] + after[32:160] == X87
    written = span(0, 24) | span(32, 128) | span(512, 16) | span(832, 64) | span(960, 64) | span(1024, 8192)
    assert changed(before, after) <= written


def test_supervisor_components_lie_between_the_others():
    _, after = run("xsaves", state(8, 9, 10, 11, 12, 14, 15), 0xDF00 | 1 << 9)
    at = 576
    for number in (8, 9, 10, 11, 12, 14, 15):
        assert after[at : at + D.size(number)] == filled(number)
        at += D.size(number)


@pytest.mark.parametrize("name", SAVES)
@pytest.mark.parametrize("mask", [0, 1, 2, 6, 0xE7, 0x602E7, EVERYTHING])
def test_never_written_are_416_to_511_the_rest_of_the_header_gaps_and_what_lies_behind(name, mask):
    for before in (memory(), memory(EVERYTHING, EVERYTHING >> 1)):
        _, after = run(name, state(*range(3), 5, 6, 7, 9, 11, 17, 18), mask, before)
        never = span(416, 96) | span(528, 48)
        if not SAVES[name].compacted:
            never |= span(832, 256) | span(2696, 56) | span(11008, SIZE - 11008)
        assert not changed(before, after) & never


def test_the_reserved_bytes_of_an_st_register_are_written_as_zero():
    _, after = run("xsave", state(0), 1)
    assert after[42:48] == bytes(6)


@pytest.mark.parametrize(
    ("rexw", "fip"), [(True, X87[8:24]), (False, X87[8:12] + bytes(4) + X87[16:20] + bytes(4))]
)
def test_without_rex_w_pointers_have_32_bits(rexw, fip):
    _, after = run("xsave", state(0), 1, rexw=rexw)
    assert after[8:24] == fip


def test_a_save_is_a_reference():
    registers = state(2, 18)
    found, _ = run("xsaves", registers, before=memory(0, COMPACTED | XCR0 | XSS))
    assert {id(registers.held(n)) for n in (2, 18)} <= {id(content) for content in found.area.contents}
    assert found.state is registers


# MXCSR.


@pytest.mark.parametrize(
    ("mask", "due"), [(0, False), (1, False), (2, True), (4, True), (6, True), (0x20, False)]
)
@standard_forms
def test_the_standard_saves_write_mxcsr_with_sse_or_avx(name, mask, due):
    _, after = run(name, state(mxcsr=0x1FA0), mask)
    assert (after[24:32] == struct.pack("<II", 0x1FA0, 0xFFFF)) == due
    assert due or after[24:32] == GARBAGE * 8


@pytest.mark.parametrize(
    ("numbers", "mxcsr", "due"), [((1,), 0x1F80, True), ((), 0x1F81, True), ((2,), 0x1F80, False)]
)
@compacted_forms
def test_the_compacted_saves_write_mxcsr_with_component_1(name, numbers, mxcsr, due):
    _, after = run(name, state(*numbers, mxcsr=mxcsr), 7)
    assert header(after)[0] >> 1 & 1 == due
    assert (after[24:32] == struct.pack("<II", mxcsr, 0xFFFF)) == due
    assert (after[160:416] != GARBAGE * 256) == due


@compacted_forms
def test_mxcsr_without_sse_in_rfbm_is_not_saved(name):
    _, after = run(name, state(2, mxcsr=0), 4)
    assert after[24:32] == GARBAGE * 8


@standard_forms
def test_mxcsr_does_not_show_in_xstate_bv_of_a_standard_save(name):
    _, after = run(name, state(mxcsr=0x1F81), 7)
    assert header(after)[0] == 0


# XFD.


@pytest.mark.parametrize("name", SAVES)
def test_under_xfd_a_component_is_saved_as_if_it_were_not_in_use_and_without_a_fault(name):
    registers = state(17, 18, xfd=1 << 18)
    found, after = run(name, registers, 0x60000)
    assert found.fault is None
    assert found.state == registers
    assert header(after)[0] == 1 << 17
    if SAVES[name].compacted:
        assert header(after)[1] == COMPACTED | 0x60000, "XCOMP_BV does not depend on XFD"
    at = 640 if SAVES[name].compacted else 2816
    assert after[at : at + 8192] == (bytes(8192) if name == "xsave" else GARBAGE * 8192)


def test_xfd_has_no_effect_without_the_bit_in_xcr0():
    registers = state(5, xfd=1 << 5, xcr0=0xC7)
    _, after = run("xsaves", msgspec.structs.replace(registers, xss=1 << 5), 1 << 5)
    assert header(after)[0] == 1 << 5


# The modified optimisation.

INFO = XrstorInfo(0, False, 0x1000, 0)


def restored(*numbers, modified=0, info=INFO):
    return state(*numbers, xrstor_info=info, xmodified=modified)


def test_xsaveopt_leaves_out_what_was_not_modified_but_not_its_bit_nor_mxcsr():
    before = memory()
    _, after = run("xsaveopt", restored(1, 2, 5, modified=4), 0x27, before, address=0x1000)
    assert header(after)[0] == 0x26
    assert after[576:832] == filled(2)
    assert changed(before, after) <= span(512, 8) | span(24, 8) | span(576, 256)
    assert after[24:32] == struct.pack("<II", 0x1F80, 0xFFFF)


def test_xsaves_does_so_if_rfbm_is_what_was_restored():
    before = memory(0, COMPACTED | 0x27)
    info = XrstorInfo(0, False, 0x1000, COMPACTED | 0x27)
    _, after = run("xsaves", restored(1, 2, 5, modified=4, info=info), 0x27, before, address=0x1000)
    assert header(after) == (0x26, COMPACTED | 0x27)
    assert changed(before, after) <= span(512, 16) | span(576, 256)
    _, after = run("xsaves", restored(1, 2, info=info), 0x7, before, address=0x1000)
    assert after[576:832] == filled(2), "another RFBM"


@pytest.mark.parametrize("name", ["xsave", "xsavec"])
def test_the_others_never_do(name):
    before = memory(0, COMPACTED | 4 if name == "xsavec" else 0)
    info = XrstorInfo(0, False, 0x1000, COMPACTED | 4 if name == "xsavec" else 0)
    _, after = run(name, restored(2, info=info), 4, before, address=0x1000)
    assert after[576:832] == filled(2)


@pytest.mark.parametrize("tracking", ["by_value", "architectural"])
def test_only_a_recorded_cpu_is_known_to_do_it(tracking):
    cpu = cpu_model("sapphire_rapids", tracking=tracking)
    found, after = run("xsaveopt", restored(2), 4, address=0x1000, cpu=cpu)
    assert after[576:832] == filled(2)
    assert bool(found.choices) == (tracking == "architectural")


# Compatibility mode.


def test_in_compatibility_mode_registers_8_to_15_and_zmm16_on_stay_as_they_are_in_memory():
    before = memory()
    _, after = run("xsave", state(1, 2, 6, 7), 0xE6, before, environment=OLD)
    assert header(after)[0] == 0x46
    written = span(160, 128) | span(576, 128) | span(1152, 256) | span(1088, 64) | span(24, 8) | span(512, 8)
    assert changed(before, after) <= written
    assert after[160:288] == filled(1)[:128]


def test_in_compatibility_mode_xcomp_bv_and_places_are_the_same():
    _, after = run("xsavec", state(6, 7, 9), 0x2E0, environment=OLD)
    assert header(after) == (0x240, COMPACTED | 0x2E0)
    at = 576 + 64
    assert after[at : at + 256] == filled(6)[:256]
    assert after[at + 256 : at + 1536] == GARBAGE * 1280
    assert after[at + 1536 : at + 1544] == filled(9)


def test_in_compatibility_mode_there_is_no_rex_w():
    _, after = run("xsave", state(0), 1, environment=OLD, rexw=True)
    assert after[8:24] == X87[8:12] + bytes(4) + X87[16:20] + bytes(4)


def test_in_compatibility_mode_only_registers_0_to_7_bring_a_component_into_use():
    _, after = run(
        "xsavec",
        XState(xcr0=7, xinuse_upper=4, live=4, contents=(bytes(128) + b"\1" * 128,)),
        7,
        environment=OLD,
    )
    assert header(after)[0] == 0


# Page faults.


@pytest.mark.parametrize(
    ("name", "mask", "absent", "offset"),
    [
        ("xsave", 0x602E7, (8192, 12288), 8192),
        ("xsave", 0xE7, (8192, 12288), None),
        ("xsave", 1, (0, 4096), 0),
        ("xsaveopt", 0x40001, (8192, 12288), 8192),
        ("xsavec", 1 << 18, (8192, 12288), 8192),
        ("xsaves", 4, (832, 4096), None),
        ("xsaves", 4, (831, 4096), 831),
        ("xsaves", 0x24, (0, 12288), 832),
    ],
)
def test_a_page_fault_changes_nothing_and_the_last_component_is_probed_first(name, mask, absent, offset):
    before = memory()
    found, after = run(name, state(), mask, before, pages=Pages(absent=(absent,)))
    if offset is None:
        assert found.fault is None
    else:
        assert (found.fault.vector, found.fault.error_code, found.fault.offset) == (Vector.PF, 2, offset)
        assert after == before


def test_a_page_that_cannot_be_written_is_told_from_one_that_is_not_there():
    found, _ = run("xsave", state(), 1, pages=Pages(read_only=((0, 4096),)), environment=Environment(cpl=3))
    assert found.fault.error_code == 7
