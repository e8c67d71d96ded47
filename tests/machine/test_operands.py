"""Memory operands of saves and restores: where they are, what of them is there, and encodings that are none.

Each fault is told with its error code and address; what comes first of two is what the manual has first.
"""

import msgspec
import pytest

from actors.machine.state import Ring
from actors.machine.xstate import area as images
from actors.machine.xstate.registers import XrstorInfo
from actors.runtime.errors import ModelError
from protocol import instructions as op
from protocol.handles import Cell
from protocol.instructions import UNMAPPED, WRITE_PROTECTED, MemoryOperand, Pages
from protocol.registers import Vector
from protocol.replies import Done, Fault, PageFault

AREA, OTHER, PAGES = Cell("area"), Cell("other"), Cell("pages")
FRAME = MemoryOperand(AREA, PAGES, 0x7FFF_1000)
ALL = 2**64 - 1
PKRU = 1 << 9
GP, UD, NM = Fault(Vector.GP, 0), Fault(Vector.UD), Fault(Vector.NM)
SAVES = [op.Xsave, op.Xsaveopt, op.Xsavec, op.Xsaves]
RESTORES = [op.Xrstor, op.Xrstors]
every = pytest.mark.parametrize("kind", SAVES + RESTORES, ids=lambda one: one.__name__)
each_save = pytest.mark.parametrize("kind", SAVES, ids=lambda one: one.__name__)
each_restore = pytest.mark.parametrize("kind", RESTORES, ids=lambda one: one.__name__)
WRITE, USER, PROTECTED = 2, 4, 1


def with_an_area(cpu, kind=op.Xsavec, mask=ALL):
    """Save XMM and PKRU state to the area, and change both afterwards."""
    cpu.cells[OTHER] = op.XsaveArea()
    cpu.cells[AREA] = op.XsaveArea()
    cpu.do(op.Movq(3, 0x1234))
    cpu.do(op.Wrpkru(5))
    cpu.do(kind(mask, AREA))
    cpu.do(op.Movq(3, 0x5678))
    cpu.do(op.Wrpkru(6))
    return cpu


def mapped(cpu, pages):
    cpu.cells[PAGES] = pages
    return cpu


def at_page(kind):
    """The first byte that each of them probes with RFBM = PKRU: that component, in its format."""
    return 2688 if kind in {op.Xsave, op.Xsaveopt} else 576


# Where it is.


@every
@pytest.mark.parametrize("misaligned", [1, 8, 32, 63])
def test_an_address_that_is_not_a_multiple_of_64_is_gp_and_changes_nothing(bench, kind, misaligned):
    cpu = with_an_area(bench())
    x, area = cpu.x, cpu.cells[AREA]
    assert cpu.do(kind(ALL, MemoryOperand(AREA, address=0x1000 + misaligned))) == GP
    assert (cpu.x, cpu.cells[AREA]) == (x, area)
    cpu.do(op.Iret())
    assert cpu.do(kind(PKRU, MemoryOperand(AREA, address=0x1000 + 64))) == Done()


@every
def test_an_operand_of_which_nothing_is_said_is_the_cell_alone(bench, kind):
    plain, said = with_an_area(bench()), with_an_area(bench())
    assert plain.do(kind(ALL, AREA)) == said.do(kind(ALL, MemoryOperand(AREA)))
    assert plain.cells == said.cells
    assert plain.footprint(kind(ALL, AREA)) == plain.footprint(kind(ALL, MemoryOperand(AREA)))


def test_xrstor_info_has_the_linear_address_where_there_is_one_and_the_cell_where_there_is_none(bench):
    cpu = with_an_area(bench())
    cpu.do(op.Xrstor(PKRU, FRAME))
    assert cpu.x.xrstor_info == XrstorInfo(0, False, 0x7FFF_1000, cpu.cells[AREA].xcomp_bv)
    cpu.do(op.Xrstor(PKRU, MemoryOperand(AREA, PAGES)))
    assert cpu.x.xrstor_info.address == AREA


@pytest.mark.parametrize(("address", "skips"), [(0x7FFF_1000, True), (0x7FFF_1040, False), (None, False)])
def test_the_modified_optimisation_goes_by_the_address_also_where_another_area_is_there_now(
    bench, address, skips
):
    cpu = with_an_area(bench(), op.Xsave)
    cpu.do(op.Xrstor(PKRU, FRAME))
    cpu.do(op.Xsaveopt(PKRU, MemoryOperand(OTHER, address=address)))
    assert cpu.cells[OTHER].xstate_bv == PKRU
    assert (cpu.cells[OTHER].contents == ()) == skips, "the hazard of two address spaces"


# How it is encoded.


OTHERS = [(op.Xrstor, "reg", "LFENCE"), (op.Xsaveopt, "reg", "MFENCE"), (op.Xsaveopt, "66", "CLWB")]
NONE = [
    (kind, encoding)
    for kind in SAVES + RESTORES
    for encoding in ("lock", "66", "reg")
    if (kind, encoding) not in {one[:2] for one in OTHERS}
]


@pytest.mark.parametrize(("kind", "encoding", "name"), OTHERS)
def test_an_encoding_that_is_another_instruction_is_refused_by_its_name(bench, kind, encoding, name):
    with pytest.raises(ModelError, match=f"task: .*: that encoding is {name}, an instruction of its own"):
        bench().outcomes(kind(ALL, MemoryOperand(AREA, encoding=encoding)))


@pytest.mark.parametrize(("kind", "encoding"), NONE)
def test_an_encoding_that_is_none_is_undefined_whatever_else_holds_and_touches_no_memory(
    bench, kind, encoding
):
    message = kind(ALL, MemoryOperand(Cell("nowhere"), address=8, encoding=encoding))
    cpu = with_an_area(bench())
    assert set(cpu.footprint(message).reads) == {Cell("cpu0"), cpu.task.placement}
    assert cpu.footprint(message).writes == (Cell("cpu0"),)
    assert cpu.do(message) == UD
    cpu.do(op.Iret())
    assert with_an_area(cpu).set(cr0_ts=True, cr4_osxsave=False).do(message) == UD
    cpu = bench(ring=Ring.USER)
    assert cpu.do(message) == msgspec.structs.replace(UD, cpl=3), "before the #GP of privilege"


# What of it is there.


@every
def test_a_page_that_is_absent_is_pf_and_nothing_changes_until_it_is_there(bench, kind):
    cpu = mapped(with_an_area(bench()), UNMAPPED)
    x, area = cpu.x, cpu.cells[AREA]
    write = WRITE if kind in SAVES else 0
    first = 512 if kind in RESTORES else at_page(kind)
    assert cpu.do(kind(PKRU, FRAME)) == PageFault(Vector.PF, write, 0, 0x7FFF_1000 + first, AREA)
    assert (cpu.x, cpu.cells[AREA]) == (x, area)
    cpu.do(op.Iret())
    assert cpu.do(op.Store(PAGES, Pages())) == Done()
    assert cpu.do(kind(PKRU, FRAME)) == Done()
    assert (cpu.x, cpu.cells[AREA]) != (x, area)


@pytest.mark.parametrize("ring", list(Ring))
@pytest.mark.parametrize("kind", [op.Xsave, op.Xrstor])
def test_the_error_code_says_whether_it_was_a_user_and_the_reply_where_he_came_from(bench, ring, kind):
    cpu = mapped(with_an_area(bench(ring=ring)), UNMAPPED)
    fault = cpu.do(kind(PKRU, FRAME))
    assert fault.error_code == (WRITE if kind is op.Xsave else 0) | (USER if ring.cpl else 0)
    assert fault.cpl == ring.cpl
    assert cpu.cpu.top.ring is Ring.KERNEL


@each_save
def test_a_page_that_cannot_be_written_is_pf_for_a_save(bench, kind):
    cpu = mapped(with_an_area(bench()), WRITE_PROTECTED)
    assert cpu.do(kind(PKRU, FRAME)).error_code == WRITE | PROTECTED
    assert cpu.do(op.Iret()) == Done()


@each_restore
def test_and_is_no_matter_for_a_restore(bench, kind):
    cpu = mapped(with_an_area(bench()), WRITE_PROTECTED)
    assert cpu.do(kind(PKRU, FRAME)) == Done()


def test_the_address_is_that_of_the_first_byte_that_cannot_be_accessed(bench):
    cpu = mapped(with_an_area(bench(), op.Xsave), Pages(absent=((2690, 4096),)))
    assert cpu.do(op.Xrstor(PKRU, FRAME)).address == 0x7FFF_1000 + 2690
    cpu.do(op.Iret())
    fault = cpu.do(op.Xrstor(PKRU, MemoryOperand(AREA, PAGES)))
    assert (fault.address, fault.area) == (2690, AREA), "counted from the area's start, and the area told"
    cpu.do(op.Iret())
    top = msgspec.structs.replace(FRAME, address=2**64 - 64)
    assert cpu.do(op.Xrstor(PKRU, top)).address == 2690 - 64, "an address has 64 bits"


@every
def test_pages_that_it_does_not_touch_may_be_absent(bench, kind):
    cpu = mapped(with_an_area(bench(), op.Xsavec if kind in {op.Xsavec, *RESTORES} else op.Xsave), Pages())
    behind = at_page(kind) + 8 if kind in SAVES else 0x3000
    mapped(cpu, Pages(absent=((416, 512), (behind, 1 << 32))))
    assert cpu.do(kind(PKRU, FRAME)) == Done()


@each_restore
def test_a_component_that_is_initialised_and_not_loaded_is_probed_all_the_same(bench, kind):
    cpu = with_an_area(bench())
    area = cpu.cells[AREA]
    cpu.cells[AREA] = msgspec.structs.replace(area, xstate_bv=0)
    mapped(cpu, Pages(absent=((576, 577),)))
    assert isinstance(cpu.do(kind(1 << 2, FRAME)), PageFault), "YMM_Hi128 is first in the compacted format"


# Which of two comes first.


@every
def test_cr0_ts_and_alignment_come_before_the_page_and_the_page_before_the_header(bench, kind):
    cpu = mapped(with_an_area(bench()), UNMAPPED)
    assert cpu.set(cr0_ts=True).do(kind(PKRU, FRAME)) == NM
    cpu.do(op.Iret())
    misaligned = msgspec.structs.replace(FRAME, address=0x7FFF_1008)
    assert cpu.set(cr0_ts=False).do(kind(PKRU, misaligned)) == GP
    cpu.do(op.Iret())
    cpu.cells[AREA] = op.XsaveArea(1 << 62, 1)
    assert isinstance(cpu.do(kind(PKRU, FRAME)), PageFault)
    cpu.do(op.Iret())
    mapped(cpu, Pages())
    assert cpu.do(kind(PKRU, FRAME)) == (Done() if kind in SAVES else GP)


@pytest.mark.parametrize("kind", [op.Xsaves, op.Xrstors])
def test_privilege_comes_before_the_page(bench, kind):
    cpu = mapped(bench(ring=Ring.USER), UNMAPPED)
    assert cpu.do(kind(PKRU, FRAME)) == Fault(Vector.GP, 0, 3)


def test_a_page_fault_comes_before_the_nm_of_xfd_and_leaves_xfd_err_alone(bench):
    cpu = with_an_area(bench())
    cpu.cells[AREA] = op.XsaveArea(1 << 18, 1 << 63 | 1 << 18)
    mapped(cpu.set_x(xfd=1 << 18), Pages(absent=((576, 600),)))
    assert isinstance(cpu.do(op.Xrstor(1 << 18, FRAME)), PageFault)
    assert cpu.x.xfd_err == 0
    cpu.do(op.Iret())
    assert mapped(cpu, Pages()).do(op.Xrstor(1 << 18, FRAME)) == NM
    assert cpu.x.xfd_err == 1 << 18


# A restore that faults midway.


@each_restore
def test_the_recorded_cpu_changes_nothing_and_the_manual_allows_any_part_of_it(bench, kind):
    data = Pages(absent=((576, 577),))
    mask = 1 << 1 | PKRU
    cpu = mapped(with_an_area(bench(), mask=mask), data)
    (only,) = cpu.outcomes(kind(mask, FRAME))
    assert isinstance(only.reply, PageFault)
    assert dict(only.writes)[Cell("cpu0")].x == cpu.x
    cpu = with_an_area(bench(tracking="architectural"), mask=mask)
    old = cpu.x
    outcomes = mapped(cpu, data).outcomes(kind(mask, FRAME))
    assert [one.label for one in outcomes] == ["plain", "new 9", "new 1", "new 1,9"]
    assert {one.reply for one in outcomes} == {PageFault(Vector.PF, 0, 0, 0x7FFF_1000 + 576, AREA)}
    seen = [dict(one.writes)[Cell("cpu0")].x for one in outcomes]
    assert [(x.held(1)[48:50].hex(), x.held(9)[0]) for x in seen] == [
        ("7856", 6), ("7856", 5), ("3412", 6), ("3412", 5),
    ]  # fmt: skip
    assert all(x.xrstor_info == old.xrstor_info for x in seen), "it has not been executed"
    assert all(AREA not in dict(one.writes) for one in outcomes)


def test_a_supervisor_component_may_be_initial_too(bench):
    cpu = bench(tracking="architectural").set_x(xss=1 << 11)
    cpu.do(op.Wrmsr(0x6A7, 0x1000))
    cpu.cells |= {AREA: op.XsaveArea()}
    cpu.do(op.Xsaves(1 << 11, AREA))
    cpu.do(op.Wrmsr(0x6A7, 0x2000))
    outcomes = mapped(cpu, Pages(absent=((576, 577),))).outcomes(op.Xrstors(1 << 11, FRAME))
    assert [one.label for one in outcomes] == ["plain", "new 11", "init 11"]


@each_save
def test_a_save_that_faults_has_one_outcome(bench, kind):
    (only,) = mapped(bench(tracking="architectural"), UNMAPPED).outcomes(kind(0b11, FRAME))
    assert isinstance(only.reply, PageFault)


# Footprints, and cells that hold something else.


def test_the_pages_are_read_and_a_save_writes_the_area_alone(bench):
    cpu = bench()
    assert cpu.footprint(op.Xsave(1, FRAME)).reads[-2:] == (AREA, PAGES)
    assert cpu.footprint(op.Xsave(1, FRAME)).writes == (Cell("cpu0"), AREA)
    assert cpu.footprint(op.Xrstor(1, FRAME)).reads[-2:] == (AREA, PAGES)
    assert cpu.footprint(op.Xrstor(1, FRAME)).writes == (Cell("cpu0"),)


def test_a_cell_that_does_not_say_which_pages_are_there_is_an_error_that_says_so(bench):
    with pytest.raises(TypeError, match="word holds int, and does not say which pages are there"):
        bench().outcomes(op.Xsave(1, MemoryOperand(AREA, bench.word)))
    with pytest.raises(TypeError, match="pages holds Pages, and no XSAVE area"):
        bench().outcomes(op.Xsave(1, MemoryOperand(PAGES)))


def test_what_a_save_through_an_operand_writes_is_what_it_writes_through_the_cell(bench):
    cpu = with_an_area(bench())
    cpu.do(op.Xsave(ALL, FRAME))
    cpu.do(op.Xsave(ALL, OTHER))
    assert images.to_bytes(cpu.cells[AREA], 4096)[:512] == images.to_bytes(cpu.cells[OTHER], 4096)[:512]
    assert cpu.cells[AREA].xstate_bv == cpu.cells[OTHER].xstate_bv
