import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.machine.model import cpu_model
from actors.machine.xstate import tiles as t
from actors.machine.xstate.dot_product import fits, tdpbssd
from actors.machine.xstate.environment import KERNEL
from actors.machine.xstate.registers import XState
from protocol.registers import Vector

CPU = cpu_model("sapphire_rapids")


def shaped(*shapes):
    image = bytearray(64)
    image[0] = 1
    for tile, (rows, colsb) in enumerate(shapes):
        image[16 + 2 * tile], image[48 + tile] = colsb, rows
    return t.ldtilecfg(XState(xcr0=0x602E7), bytes(image), KERNEL, CPU).state


def loaded(shapes, *data):
    state = shaped(*shapes)
    for number, memory in enumerate(data):
        state = t.tileloadd(state, number, memory, KERNEL, CPU).state
    return state


def by_hand(dst, src1, src2, rows, columns, groups):
    """The manual's loops, on Python integers."""
    out = []
    for m in range(rows):
        line = list(struct.unpack(f"<{columns}i", dst[m * 64 : m * 64 + 4 * columns]))
        for k in range(groups):
            for n in range(columns):
                for b in range(4):
                    one = struct.unpack_from("b", src1, m * 64 + 4 * k + b)[0]
                    two = struct.unpack_from("b", src2, k * 64 + 4 * n + b)[0]
                    line[n] = (line[n] + one * two + 2**31) % 2**32 - 2**31
        out.append(struct.pack(f"<{columns}i", *line).ljust(64, b"\0"))
    return b"".join(out).ljust(1024, b"\0")


tile_bytes = st.binary(min_size=1024, max_size=1024)
small = st.integers(1, 4)


@settings(max_examples=25, deadline=None)
@given(m=small, n=small, k=small, dst=tile_bytes, src1=tile_bytes, src2=tile_bytes)
def test_products_are_those_of_the_manuals_loops(m, n, k, dst, src1, src2):
    state = loaded([(m, 4 * n), (m, 4 * k), (k, 4 * n)], dst, src1, src2)
    before = [t.tile(state, number) for number in range(3)]
    after = tdpbssd(state, 0, 1, 2, KERNEL, CPU).state
    assert t.tile(after, 0) == by_hand(*before, m, n, k)
    assert [t.tile(after, number) for number in (1, 2)] == before[1:]


def test_full_tiles_of_the_extremes_wrap_around():
    state = loaded([(16, 64)] * 3, b"\xff\xff\xff\x7f" * 256, b"\x80" * 1024, b"\x80" * 1024)
    found = struct.unpack("<256i", t.tile(tdpbssd(state, 0, 1, 2, KERNEL, CPU).state, 0))
    assert set(found) == {(2**31 - 1 + 64 * 128 * 128 + 2**31) % 2**32 - 2**31}


@pytest.mark.parametrize(
    ("shapes", "fine"),
    [
        (((2, 8), (2, 12), (3, 8)), True),
        (((2, 8), (3, 12), (3, 8)), False),
        (((2, 8), (2, 12), (3, 12)), False),
        (((2, 8), (2, 12), (2, 8)), False),
        (((2, 6), (2, 12), (3, 6)), False),
        (((2, 8), (2, 10), (2, 8)), False),
    ],
)
def test_shapes_have_to_make_a_product(shapes, fine):
    assert fits(*shapes) == fine
    result = tdpbssd(shaped(*shapes), 0, 1, 2, KERNEL, CPU)
    assert (result.fault is None) == fine
    assert fine or result.fault.vector is Vector.UD


@pytest.mark.parametrize("numbers", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 0)])
def test_the_tiles_have_to_be_three(numbers):
    assert tdpbssd(shaped((4, 16), (4, 16)), *numbers, KERNEL, CPU).fault.vector is Vector.UD
