"""User memory: what page tables and mappings allow, and what a page fault makes of the difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.devices.variable import Load, Store
from actors.system.kernel.errno import Errno
from actors.system.kernel.mm import MM, HandleMmFault, Mprotect, Prot, Reclaim, UserAccess, UserArea
from protocol.areas import UNMAPPED, WRITE_PROTECTED, Pages, XsaveArea
from protocol.handles import Cell, Program

WHOLE, SECOND = UserArea("frame"), UserArea("frame", page=2048)
PROTS = st.sampled_from([Prot.NONE, Prot.READ, Prot.READ | Prot.WRITE])
SENDER = Program("anybody")


def ask(cells, message):
    """Let the device handle a message; the cells change, and its reply is returned."""
    footprint = MM.footprint(SENDER, message, cells.get)
    touched = {cell: cells[cell] for cell in (*footprint.reads, *footprint.writes)}
    (outcome,) = MM.handle(SENDER, message, touched)
    assert {cell for cell, _ in outcome.writes} <= set(footprint.writes)
    cells.update(dict(outcome.writes))
    return outcome.reply


def memory(area, prot=Prot.READ | Prot.WRITE):
    return {area.area: XsaveArea(), area.pages: area.mapped(prot), area.vma: prot, area.sw_bytes: 0}


def test_all_of_an_area_goes_unless_it_has_a_page_that_stays():
    assert (WHOLE.mapped(Prot.NONE), WHOLE.mapped(Prot.READ)) == (UNMAPPED, WRITE_PROTECTED)
    assert WHOLE.mapped(Prot.READ | Prot.WRITE) == SECOND.mapped(Prot.WRITE) == Pages()
    assert SECOND.mapped(Prot.NONE) == Pages(absent=((2048, 1 << 32),))


@given(prot=PROTS, write=st.booleans(), reclaimed=st.booleans())
def test_an_access_succeeds_behind_a_fault_where_the_mapping_allows_it_and_only_there(prot, write, reclaimed):
    cells = memory(WHOLE, prot)
    if reclaimed:
        ask(cells, Reclaim(WHOLE))
    access = (
        UserAccess(WHOLE, WHOLE.area, Store(XsaveArea(1))) if write else UserAccess(WHOLE, WHOLE.area, Load())
    )
    at_once = ask(dict(cells), access)
    allowed = bool(prot & (Prot.WRITE if write else Prot.READ))
    assert (at_once is not Errno.EFAULT) is (allowed and not reclaimed)
    assert ask(cells, HandleMmFault(WHOLE, write)) is allowed
    behind = ask(cells, access)
    assert (behind is not Errno.EFAULT) is allowed
    assert cells[WHOLE.area] == XsaveArea(1 if write and allowed else 0)


@given(first=PROTS, then=PROTS)
def test_mprotect_changes_the_mapping_and_the_page_tables_at_once(first, then):
    cells = memory(WHOLE, first)
    ask(cells, Mprotect(WHOLE, then))
    assert (cells[WHOLE.vma], cells[WHOLE.pages]) == (then, WHOLE.mapped(then))


def test_what_is_on_the_page_that_stays_can_be_accessed_when_the_other_has_gone():
    cells = memory(SECOND)
    ask(cells, Mprotect(SECOND, Prot.NONE))
    assert ask(cells, UserAccess(SECOND, SECOND.sw_bytes, Store(7))) is None
    assert ask(cells, UserAccess(SECOND, SECOND.sw_bytes, Load())) == 7
    assert ask(cells, UserAccess(SECOND, SECOND.area, Store(XsaveArea(1)))) is Errno.EFAULT
    assert ask(cells, UserAccess(SECOND, SECOND.area, Load())) is Errno.EFAULT
    cells = memory(UserArea("frame", page=400))
    ask(cells, Mprotect(UserArea("frame", page=400), Prot.NONE))
    assert ask(cells, UserAccess(UserArea("frame", page=400), SECOND.sw_bytes, Load())) is Errno.EFAULT


def test_messages_are_told_as_what_they_are():
    told = [
        MM.describe(message)
        for message in (
            UserAccess(WHOLE, WHOLE.sw_bytes, Store(1)),
            UserAccess(WHOLE, WHOLE.area, Load()),
            HandleMmFault(WHOLE, write=True),
            HandleMmFault(WHOLE, write=False),
            Mprotect(WHOLE, Prot.NONE),
            Mprotect(WHOLE, Prot.READ),
            Reclaim(WHOLE),
        )
    ]
    assert told == [
        "put_user sw_bytes of frame",
        "get_user frame",
        "handle_mm_fault frame, write",
        "handle_mm_fault frame, read",
        "munmap frame",
        "mprotect frame READ",
        "reclaim frame",
    ]


def test_another_message_is_refused():
    with pytest.raises(TypeError, match="memory has no message Elsewhere"):
        MM.handle(SENDER, Elsewhere(), memory(WHOLE))


class Elsewhere:
    area = WHOLE


def test_an_areas_cells_have_names_that_a_reader_understands():
    assert WHOLE.pages == Cell("pages of frame")
    assert WHOLE.operand.pages == WHOLE.pages
