"""Restores: what REX.W means outside 64-bit mode, and which of several absent pages is told."""

import struct

import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL, Environment, Operand, Pages
from actors.machine.xstate.presets import HDC, HWP
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore

CPU = cpu_model("sapphire_rapids")
ENABLED = XState(xcr0=0x602E7)
FIP = 0x1234_5678_9ABC


def run(xstate_bv, xcomp_bv, mask, environment=KERNEL, **operand):
    flat = bytearray(0x3000)
    flat[8:16] = struct.pack("<Q", FIP)
    flat[24:28] = struct.pack("<I", 0x1F80)
    flat[512:528] = struct.pack("<QQ", xstate_bv, xcomp_bv)
    area = images.from_bytes(bytes(flat), CPU.description)
    return restore("xrstor", ENABLED, mask, Operand(area, **operand), environment, CPU)


@pytest.mark.parametrize("xcomp_bv", [0, COMPACTED | 1])
@pytest.mark.parametrize(("long_mode", "fip"), [(True, FIP), (False, FIP & 0xFFFF_FFFF)])
def test_rex_w_counts_in_64_bit_mode_alone(xcomp_bv, long_mode, fip):
    after = run(1, xcomp_bv, 1, Environment(long_mode=long_mode), rexw=True).state
    assert after.content(0, CPU.description)[8:16] == struct.pack("<Q", fip)


@pytest.mark.parametrize(("xcomp_bv", "last"), [(0, 2688), (COMPACTED | 0x207, 832)])
def test_where_several_pages_are_absent_the_last_component_faults_then_the_legacy_region(xcomp_bv, last):
    everything = ((0, 416), (576, 4096))
    found = run(0x207, xcomp_bv, 0x207, pages=Pages(absent=everything))
    assert found.fault.offset == last
    found = run(0x207, xcomp_bv, 0x207, pages=Pages(absent=((0, 416), (576, 832))))
    assert found.fault.offset == 0
    found = run(0x207, xcomp_bv, 0x207, pages=Pages(absent=((576, 832),)))
    assert found.fault.offset == 576


FREE = cpu_model("sapphire_rapids", tracking="architectural")


@pytest.mark.parametrize(
    ("number", "old", "new", "initial_too"),
    [(11, b"\x01" + bytes(15), b"\x03" + bytes(15), True), (2, b"\x01" * 256, b"\x02" * 256, False)],
    ids=["supervisor", "user"],
)
def test_only_supervisor_state_may_be_neither_old_nor_new_after_a_fault(number, old, new, initial_too):
    flat = bytearray(0x1000)
    flat[512:528] = struct.pack("<QQ", 1 << number, COMPACTED | 1 << number)
    flat[576 : 576 + len(new)] = new
    before = XState(xcr0=7, xss=1 << 11).loaded(number, old)
    operand = Operand(images.from_bytes(bytes(flat), FREE.description), pages=Pages(absent=((576, 580),)))
    found = restore("xrstors", before, 1 << number, operand, KERNEL, FREE)
    assert found.fault is not None
    held = {content for choice in found.choices for way in choice.ways for _, content in way.contents}
    assert held == {old, new} | ({bytes(len(old))} if initial_too else set())


@pytest.mark.parametrize(("number", "initial"), [(13, b"\1"), (16, b"\x01\xff\x00\x80")])
@pytest.mark.parametrize("held", [b"", b"\7"])
def test_hdc_and_hwp_state_may_be_zero_which_is_not_initial(number, initial, held):
    """SDM volume 1, 13.6: zeros in memory are loaded as zeros, and nothing in memory as what is initial."""
    cpu = CpuModel(Description("hdc", (HDC, HWP)))
    before = XState(xcr0=3, xss=1 << number).loaded(number, (held or initial).ljust(8, b"\0"))

    def after(xstate_bv, content):
        header = struct.pack("<QQ", xstate_bv, COMPACTED | 1 << number)
        area = images.from_bytes(bytes(512) + header + bytes(48) + content, cpu.description)
        state = restore("xrstors", before, 1 << number, Operand(area), KERNEL, cpu).state
        assert state.in_use == xstate_bv
        return state.held(number)

    assert after(1 << number, bytes(8)) == bytes(8)
    assert after(1 << number, initial.ljust(8, b"\0")) is None
    assert after(1 << number, b"\7" * 8) == b"\7" * 8
    assert after(0, b"\7" * 8) is None
