"""Saves where the area has to be looked at, because what is in it has another layout."""

import struct

import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL, Operand
from actors.machine.xstate.presets import APX, BNDCSR, BNDREGS
from actors.machine.xstate.registers import XState
from actors.machine.xstate.save import save

CPU = cpu_model("sapphire_rapids")
SIZE, TILEDATA_AT = 0x3000, 2816
LIVE = XState(xcr0=0x602E7, xfd=1 << 18).loaded(18, b"\x77" * 8192)


@pytest.mark.parametrize("xcomp_bv", [0, 5, COMPACTED, COMPACTED | 0x60000, 2**64 - 1])
def test_xsave_writes_zeros_for_what_xfd_hides_whatever_the_old_header_says(xcomp_bv):
    before = bytearray(b"\xee" * SIZE)
    before[512:528] = struct.pack("<QQ", 1 << 18, xcomp_bv)
    operand = Operand(images.from_bytes(bytes(before), CPU.description))
    found = save("xsave", LIVE, 1 << 18, operand, KERNEL, CPU)
    before[512:520] = bytes(8)
    before[TILEDATA_AT : TILEDATA_AT + 8192] = bytes(8192)
    assert images.to_bytes(found.area, SIZE) == before


@pytest.mark.parametrize(
    "old", [bytes(2048), b"\xee" * 512 + bytes(64) + b"\xee" * 1472], ids=["zeros", "full"]
)
def test_apx_state_goes_where_mpx_state_would_be_and_areas_stay_comparable(old):
    description = Description("both", (BNDREGS, BNDCSR, APX))
    cpu, registers = CpuModel(description), XState(xcr0=1 | 1 << 19).loaded(19, bytes(range(128)))
    found = save("xsave", registers, 1 << 19, Operand(images.from_bytes(old, description)), KERNEL, cpu)
    flat = images.to_bytes(found.area, 2048)
    assert flat == old[:512] + struct.pack("<Q", 1 << 19) + old[520:960] + bytes(range(128)) + old[1088:]
    assert found.area == images.from_bytes(flat, description)
