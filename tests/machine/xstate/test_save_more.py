"""Saves where the area has to be looked at, because what is in it has another layout."""

import struct

import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.environment import KERNEL, Operand
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
