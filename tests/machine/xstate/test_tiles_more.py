"""Tiles that an XRSTOR filled beyond their shapes, and XFD."""

import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate.dot_product import tdpbssd
from actors.machine.xstate.environment import KERNEL
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tiles import config, tile, tileloadd, tilestored, tilezero
from protocol.registers import Vector

CPU = cpu_model("sapphire_rapids")
FULL = XState(xcr0=0x602E7).loaded(17, config(2, 2, 2, colsb=8)).loaded(18, b"\x01" * 8192)


def test_tileloadd_zeroes_the_rows_and_columns_behind_the_shape():
    after = tileloadd(FULL, 1, b"\x05" * 256, KERNEL, CPU).state
    assert tile(after, 1) == (b"\x05" * 8 + bytes(56)) * 2 + bytes(14 * 64)
    assert (tile(after, 0), tile(after, 2)) == (b"\x01" * 1024, b"\x01" * 1024)


def test_tdpbssd_zeroes_the_rows_and_columns_behind_the_shape():
    after = tdpbssd(FULL, 0, 1, 2, KERNEL, CPU).state
    row = (0x01010101 + 8).to_bytes(4, "little") * 2 + bytes(56)
    assert tile(after, 0) == row * 2 + bytes(14 * 64)


@pytest.mark.parametrize(
    "execute",
    [
        lambda state: tileloadd(state, 0, bytes(128), KERNEL, CPU),
        lambda state: tilestored(state, 0, KERNEL, CPU),
        lambda state: tilezero(state, 0, KERNEL, CPU),
        lambda state: tdpbssd(state, 0, 1, 2, KERNEL, CPU),
    ],
    ids=["tileloadd", "tilestored", "tilezero", "tdpbssd"],
)
def test_under_xfd_each_instruction_on_tiles_is_nm_and_changes_no_tile(execute):
    disabled = (
        XState(xcr0=0x602E7, xfd=1 << 18).loaded(17, config(2, 2, 2, colsb=8)).loaded(18, b"\x01" * 8192)
    )
    found = execute(disabled)
    assert found.fault.vector == Vector.NM
    assert found.state.xfd_err == 1 << 18
    assert found.state.contents == disabled.contents
