"""Areas as values: flat bytes in, the same flat bytes out, equal bytes equal values, and what is written where."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.machine.xstate import area as a
from actors.machine.xstate import presets as p
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.layout import layout
from actors.runtime.values import check_value
from protocol.instructions import XsaveArea

CPU = p.EMULATED
SIZE = 0x3000
words = st.sampled_from([0, 7, 0x602E7, 1 << 62, COMPACTED | 0x602E7, COMPACTED | 0x24, COMPACTED])
patches = st.lists(st.tuples(st.integers(0, SIZE - 40), st.binary(min_size=1, max_size=40)), max_size=6).map(
    lambda found: [(at, data) for at, data in found if at + len(data) <= SIZE]
)


def flat(xstate_bv=0, xcomp_bv=0, stores=()):
    data = bytearray(SIZE)
    for at, content in stores:
        data[at : at + len(content)] = content
    data[512:528] = struct.pack("<QQ", xstate_bv, xcomp_bv)
    return bytes(data)


def is_canonical(area):
    form = layout(CPU, area.xcomp_bv)
    assert list(area.offsets) == sorted(area.offsets)
    for offset, content in a.pieces(area):
        assert any(content)
        assert form.slots.get(offset) == len(content) or (offset == form.size and content[-1])
    return True


@given(xstate_bv=words, xcomp_bv=words, stores=patches)
def test_bytes_come_back_as_they_went_in(xstate_bv, xcomp_bv, stores):
    data = flat(xstate_bv, xcomp_bv, stores)
    area = a.from_bytes(data, CPU)
    assert (area.xstate_bv, area.xcomp_bv) == (xstate_bv, xcomp_bv)
    assert a.to_bytes(area, SIZE) == data
    assert is_canonical(area)


@given(xcomp_bv=words, stores=patches, length=st.integers(0, SIZE))
def test_a_part_of_the_bytes_is_their_beginning(xcomp_bv, stores, length):
    data = flat(5, xcomp_bv, stores)
    assert a.to_bytes(a.from_bytes(data, CPU), length) == data[:length]


@given(xcomp_bv=words, stores=patches)
@settings(deadline=None)
def test_areas_with_equal_bytes_are_equal_however_they_came_about(xcomp_bv, stores):
    area, data = a.from_bytes(flat(1, xcomp_bv), CPU), bytearray(flat(1, xcomp_bv))
    for at, content in stores:
        area = a.write(area, at, content, CPU)
        data[at : at + len(content)] = content
        assert is_canonical(area)
    assert a.to_bytes(area, SIZE) == bytes(data)
    assert area == a.from_bytes(bytes(data), CPU)
    assert hash(area) == hash(a.from_bytes(bytes(data), CPU))


@given(xcomp_bv=words, stores=patches, at=st.integers(528, SIZE), size=st.integers(1, 300))
def test_reading_is_reading_the_bytes(xcomp_bv, stores, at, size):
    data = flat(1, xcomp_bv, stores)
    assert a.read(a.from_bytes(data, CPU), at, size) == data[at : at + size].ljust(size, b"\0")


def test_an_area_is_a_value_and_may_stand_in_a_cell():
    check_value(a.from_bytes(flat(1, COMPACTED | 0x24, [(600, b"abc")]), CPU), "cell")


def test_an_empty_area_is_all_zero_and_its_extent_is_the_headers_words():
    assert a.to_bytes(XsaveArea(), SIZE) == bytes(SIZE)
    assert a.extent(XsaveArea()) == 528
    assert a.extent(a.from_bytes(flat(stores=[(5000, b"\1")]), CPU)) > 5000


def test_zeros_behind_the_end_make_no_difference():
    data = flat(1, 0, [(600, b"abc")])
    assert a.from_bytes(data, CPU) == a.from_bytes(data[:1000], CPU) == a.from_bytes(data + bytes(99), CPU)


def test_a_store_into_the_header_moves_the_cuts_and_no_byte():
    area = a.from_bytes(flat(0, 0, [(576, b"\1" * 3000)]), CPU)
    moved = a.write(area, 520, (COMPACTED | 0x24).to_bytes(8, "little"), CPU)
    assert moved.xcomp_bv == COMPACTED | 0x24
    assert moved.offsets == (576, 832, 896)
    assert a.to_bytes(moved, SIZE) == flat(0, COMPACTED | 0x24, [(576, b"\1" * 3000)])


def test_what_a_store_does_not_touch_is_still_the_same_object():
    content = bytes(range(1, 65))
    area = a.replaced(XsaveArea(0, COMPACTED | 0x24), 0, COMPACTED | 0x24, (832,), (content,))
    assert area.contents[0] is content
    assert a.write(area, 576, b"\7", CPU).contents[-1] is content


@pytest.mark.parametrize("cleared", [(), (832,), (576, 832)])
def test_slots_are_replaced_and_cleared_by_reference(cleared):
    area = a.from_bytes(flat(3, COMPACTED | 0x64, [(576, b"\1" * 400)]), CPU)
    after = a.replaced(area, 9, COMPACTED | 0x64, (896,), (b"\2" * 512,), cleared)
    expected = flat(9, COMPACTED | 0x64, [(576, b"\1" * 320), (896, b"\2" * 512)])
    for offset in cleared:
        size = {576: 256, 832: 64}[offset]
        expected = expected[:offset] + bytes(size) + expected[offset + size :]
    assert after == a.from_bytes(expected, CPU)


def test_picking_nothing_one_and_many():
    assert a.picker(())(("a", "b")) == ()
    assert a.picker((1,))(("a", "b")) == ("b",)
    assert a.picker((1, 0))(("a", "b")) == ("b", "a")
