"""Instructions on extended state as messages: areas in memory cells, contents shared, and every component reached."""

import msgspec
import pytest

from actors.machine.model import TILEDATA, cpu_model
from actors.machine.state import Ring
from actors.machine.xstate import area as images
from actors.machine.xstate.registers import XrstorInfo
from actors.machine.xstate.tiles import config
from protocol import instructions as op
from protocol.handles import Cell
from protocol.registers import Component, Msr, Vector
from protocol.replies import Data, Done, Fault, Value

COMPACTED = 1 << 63
ALL = 2**64 - 1
TILES = 3 << 17
GP, UD, NM = Fault(Vector.GP, 0), Fault(Vector.UD), Fault(Vector.NM)
TILE = b"\x55" * 1024
AREA, OTHER = Cell("area"), Cell("other")
SAVES = [op.Xsave, op.Xsaveopt, op.Xsavec, op.Xsaves]
RESTORES = [op.Xrstor, op.Xrstors]


def with_state(cpu, xss=0):
    """Put something into x87, SSE, AVX-512, PKRU and tile state, and a blank area of the standard format into memory."""
    cpu.set_x(xss=xss)
    for message in (
        op.Fninit(),
        op.Movq(3, 0x1234),
        op.Vpbroadcastq(20, 0x5678),
        op.Kmovq(1, 0x9ABC),
        op.Wrpkru(0x55555554),
        op.Ldtilecfg(config(16)),
        op.Tileloadd(0, TILE),
    ):
        assert cpu.do(message) == Done()
    cpu.cells |= {AREA: op.XsaveArea(), OTHER: op.XsaveArea()}
    return cpu


def held(x):
    return x.live, x.contents, x.mxcsr, x.in_use


def name(one):
    return one.__name__


IN_USE = 0x602A3
"""What `with_state` makes in use: x87, SSE, opmask, Hi16_ZMM, PKRU, both of the tiles."""


def test_each_instruction_makes_its_component_in_use(bench):
    assert with_state(bench()).do(op.Xgetbv(1)) == Value(IN_USE)


@pytest.mark.parametrize("save", SAVES, ids=name)
def test_what_a_save_puts_into_the_cell_a_restore_takes_out_again(bench, save):
    cpu = with_state(bench())
    before = cpu.x
    assert cpu.do(save(ALL, AREA)) == Done()
    assert cpu.x == before, "a save changes no register"
    area = cpu.cells[AREA]
    compacted = save in {op.Xsavec, op.Xsaves}
    assert area.xstate_bv == IN_USE
    assert area.xcomp_bv == (COMPACTED | 0x602E7 if compacted else 0)
    for message in (op.Tilerelease(), op.Vzeroall(), op.Movq(3, 1), op.Kmovq(1, 2), op.Wrpkru(0)):
        cpu.do(message)
    assert held(cpu.x) != held(before)
    for restore in RESTORES if compacted else RESTORES[:1]:
        assert cpu.do(restore(ALL, AREA)) == Done()
        assert held(cpu.x) == held(before)


@pytest.mark.parametrize("save", SAVES, ids=name)
def test_a_saved_area_holds_the_very_same_bytes_and_a_restored_register_too(bench, save):
    cpu = with_state(bench())
    cpu.do(save(ALL, AREA))
    tile, found = cpu.x.held(18), cpu.cells[AREA].contents[-1]
    assert len(tile) == 8192
    assert found is tile
    cpu.do(op.Tilerelease())
    cpu.do(op.Xrstor(ALL, AREA))
    assert cpu.x.held(18) is tile
    cpu.do(save(ALL, AREA))
    assert cpu.cells[AREA].contents[-1] is tile, "where the same bytes lie in memory already, too"


def test_one_cell_is_written_and_no_other(bench):
    cpu = with_state(bench())
    cpu.do(op.Xsave(ALL, AREA))
    assert cpu.cells[OTHER] == op.XsaveArea()
    assert cpu.footprint(op.Xsaveopt(0, OTHER)).writes[1:] == (OTHER,)
    assert OTHER in cpu.footprint(op.Xrstor(0, OTHER)).reads
    assert OTHER not in cpu.footprint(op.Xrstor(0, OTHER)).writes


def test_user_forms_leave_supervisor_state_alone_and_the_s_forms_manage_what_xss_has(bench):
    cpu = with_state(bench(), xss=1 << 11)
    assert cpu.do(op.Wrmsr(Msr.PL3_SSP, 0x7FF0)) == Done()
    cpu.do(op.Xsavec(ALL, AREA))
    assert cpu.cells[AREA].xstate_bv == IN_USE
    cpu.do(op.Xsaves(ALL, AREA))
    assert cpu.cells[AREA].xstate_bv == IN_USE | 1 << 11
    cpu.do(op.Wrmsr(Msr.PL3_SSP, 0))
    assert cpu.do(op.Xrstors(1 << 11, AREA)) == Done()
    assert cpu.do(op.Rdmsr(Msr.PL3_SSP)) == Value(0x7FF0)
    assert cpu.do(op.Xrstor(1 << 11, AREA)) == GP, "XCOMP_BV has a bit that XCR0 lacks"


@pytest.mark.parametrize(
    "message", [*(one(ALL, AREA) for one in (op.Xsave, op.Xsaveopt, op.Xsavec, op.Xrstor))]
)
def test_the_user_forms_are_for_users_and_cr0_ts_stops_them(bench, message):
    cpu = with_state(bench(ring=Ring.USER))
    assert cpu.do(message) == Done()
    before = dict(cpu.cells)
    assert cpu.set(cr0_ts=True).do(message) == Fault(Vector.NM, None, 3)
    assert cpu.cells[AREA] == before[AREA]


def test_rex_w_decides_about_the_x87_pointers(bench):
    cpu = with_state(bench())
    fip = 0x7FFF_1234_5678
    image = images.from_bytes(
        (b"\x7f\x03" + bytes(6) + fip.to_bytes(8, "little")).ljust(512, b"\0") + b"\1".ljust(64, b"\0"),
        cpu.processor.model.description,
    )
    cpu.cells[AREA] = image
    for rexw, found in ((True, fip), (False, fip & 0xFFFF_FFFF)):
        cpu.do(op.Xrstor(1, AREA))
        cpu.do(op.Xsave(1, OTHER, rexw))
        stored = images.to_bytes(cpu.cells[OTHER], 576)
        assert int.from_bytes(stored[8:16], "little") == found
    cpu.do(op.Xrstor(1, AREA, rexw=False))
    cpu.do(op.Xsave(1, OTHER))
    assert images.to_bytes(cpu.cells[OTHER], 16)[12:16] == bytes(4)


def test_a_cell_without_an_area_is_an_error_that_says_so(bench):
    for message in (op.Xsave(1, bench.word), op.Xrstors(1, bench.word)):
        with pytest.raises(TypeError, match="word holds int, and no XSAVE area"):
            bench().outcomes(message)


# XRSTOR_INFO: the cell is the address.


def test_a_restore_is_remembered_by_privilege_cell_and_form(bench):
    cpu = with_state(bench())
    cpu.do(op.Xsavec(1 << 9, AREA))
    cpu.do(op.Xrstor(1 << 9, AREA))
    assert cpu.x.xrstor_info == XrstorInfo(0, False, AREA, COMPACTED | 1 << 9)
    cpu = with_state(bench(ring=Ring.USER))
    cpu.do(op.Xrstor(1 << 9, OTHER))
    assert cpu.x.xrstor_info == XrstorInfo(3, False, OTHER, 0)


def altered(area):
    """The area after software has changed PKRU in it."""
    at = area.offsets.index(2688)
    contents = (*area.contents[:at], b"\7".ljust(8, b"\0"), *area.contents[at + 1 :])
    return msgspec.structs.replace(area, contents=contents)


@pytest.mark.parametrize(
    ("cell", "touch", "skips"), [(AREA, None, True), (OTHER, None, False), (AREA, op.Wrpkru(9), False)]
)
def test_xsaveopt_skips_what_was_not_modified_since_the_restore_from_that_cell(bench, cell, touch, skips):
    cpu = with_state(bench())
    for one in (AREA, OTHER):
        cpu.do(op.Xsave(1 << 9, one))
    cpu.do(op.Xrstor(1 << 9, AREA))
    changed = altered(cpu.cells[cell])
    cpu.cells[cell] = changed
    if touch is not None:
        cpu.do(touch)
    cpu.do(op.Xsaveopt(1 << 9, cell))
    assert (cpu.cells[cell] == changed) == skips, "the hazard: memory stays as software left it"


def test_by_value_nothing_is_remembered(bench):
    cpu = with_state(bench(tracking="by_value"))
    cpu.do(op.Xsave(ALL, AREA))
    cpu.do(op.Xrstor(ALL, AREA))
    assert cpu.x.xrstor_info is None
    cpu.do(op.Wrpkru(0))
    assert cpu.do(op.Xgetbv(1)) == Value(IN_USE & ~(1 << 9) & ~1), "what is initial is not in use"


# Faults on the way.


def test_xrstors_takes_the_compacted_form_alone_and_xrstor_both(bench):
    cpu = with_state(bench())
    cpu.do(op.Xsave(ALL, AREA))
    assert cpu.do(op.Xrstors(ALL, AREA)) == GP
    cpu.do(op.Iret())
    assert cpu.do(op.Xrstor(ALL, AREA)) == Done()


def test_an_xrstor_under_xfd_is_nm_only_if_it_would_load(bench):
    cpu = with_state(bench())
    cpu.do(op.Xsave(ALL, AREA))
    cpu.set_x(xfd=TILEDATA)
    before = cpu.x
    assert cpu.do(op.Xrstor(ALL, AREA)) == NM
    assert cpu.x == msgspec.structs.replace(before, xfd_err=TILEDATA)
    cpu.do(op.Iret())
    assert cpu.do(op.Xrstor(ALL & ~TILEDATA, AREA)) == Done()


@pytest.mark.parametrize("save", SAVES, ids=name)
def test_no_save_is_stopped_by_xfd_and_all_leave_the_component_out(bench, save):
    cpu = with_state(bench()).set_x(xfd=TILEDATA)
    assert cpu.do(save(TILES, AREA)) == Done()
    assert cpu.cells[AREA].xstate_bv == 1 << 17
    assert cpu.x.xfd_err == 0


def test_a_restore_of_an_illegal_mxcsr_in_the_compacted_form_is_not_atomic_on_the_recorded_cpu(bench):
    cpu = with_state(bench())
    cpu.do(op.Xsavec(0b11, AREA))
    flat = bytearray(images.to_bytes(cpu.cells[AREA], 576))
    flat[26] = 1
    cpu.cells[AREA] = images.from_bytes(bytes(flat), cpu.processor.model.description)
    cpu.do(op.Movq(3, 0))
    assert cpu.do(op.Xrstor(0b11, AREA)) == GP
    assert cpu.x.held(1)[48:50] == b"\x34\x12", "XMM registers are loaded by then"
    assert cpu.x.mxcsr == 0x1F80


def test_a_cpu_without_the_instruction_has_it_undefined(bench):
    cpu = with_state(bench())
    plain = msgspec.structs.replace(
        cpu.processor.model.description, name="old", components=(), xsaves=False, xsavec=False, xsaveopt=False,
        xfd=False,
    )  # fmt: skip
    model = msgspec.structs.replace(cpu_model("sapphire_rapids"), description=plain)
    cpu.processor = msgspec.structs.replace(cpu.processor, model=model)
    cpu.set_x(xcr0=3, live=0, contents=(), xinuse=0)
    assert cpu.do(op.Xsave(3, AREA)) == Done()
    for kind in (op.Xsaveopt, op.Xsavec, op.Xsaves, op.Xrstors):
        assert cpu.do(kind(3, AREA)) == UD
        cpu.do(op.Iret())
    assert cpu.do(op.Rdmsr(Msr.XSS)) == GP


# Single registers.


def test_pkru_is_written_and_read_and_cr0_ts_does_not_matter(bench):
    cpu = bench().set(cr0_ts=True)
    assert cpu.do(op.Rdpkru()) == Value(0)
    cpu.do(op.Wrpkru(0xFFFF_FFFF))
    assert cpu.do(op.Rdpkru()) == Value(0xFFFF_FFFF)
    assert bench("emerald_rapids").do(op.Rdpkru()) == bench("emerald_rapids").do(op.Wrpkru(0)) == UD


def test_mxcsr_is_written_and_read_and_reserved_bits_are_gp(bench):
    cpu = bench()
    assert cpu.do(op.Ldmxcsr(0x9FC0)) == Done()
    assert cpu.do(op.Stmxcsr()) == Value(0x9FC0)
    assert cpu.do(op.Xgetbv(1)) == Value(2)
    assert cpu.do(op.Ldmxcsr(1 << 16)) == GP
    assert cpu.x.mxcsr == 0x9FC0


def test_vzeroupper_and_vzeroall_return_components_to_their_initial_state(bench):
    cpu = bench()
    cpu.do(op.Vpbroadcastq(1, 7))
    assert cpu.do(op.Xgetbv(1)) == Value(0b1000110)
    cpu.do(op.Vzeroupper())
    assert cpu.do(op.Xgetbv(1)) == Value(0b10)
    cpu.do(op.Vzeroall())
    assert cpu.do(op.Xgetbv(1)) == Value(0)
    assert cpu.x.live == 0


STOPPED_BY_TS = [
    op.Fninit(), op.Ldmxcsr(0), op.Stmxcsr(), op.Vzeroupper(), op.Vzeroall(), op.Movq(0, 1),
    op.MovqFrom(0), op.Vpbroadcastq(0, 1), op.Kmovq(0, 1),
]  # fmt: skip


@pytest.mark.parametrize("message", STOPPED_BY_TS, ids=lambda one: type(one).__name__)
def test_cr0_ts_stops_them_and_leaves_xfd_err_alone(bench, message):
    cpu = bench().set(cr0_ts=True).set_x(xfd_err=TILEDATA)
    before = cpu.x
    assert cpu.do(message) == NM
    assert cpu.x == before


@pytest.mark.parametrize("message", [op.Vpbroadcastq(0, 1), op.Kmovq(0, 1)])
def test_avx_512_without_its_bits_in_xcr0_is_undefined(bench, message):
    cpu = bench()
    cpu.do(op.Xsetbv(7))
    assert cpu.do(message) == UD


def test_fninit_is_in_use_whatever_its_value(bench):
    cpu = bench()
    cpu.do(op.Fninit())
    assert (cpu.x.in_use, cpu.x.live) == (1, 0)


# CET MSRs, and the dot product.


def test_the_cet_msrs_are_views_of_components_and_refuse_what_is_not_an_address(bench):
    cpu = bench()
    assert cpu.do(op.Wrmsr(Msr.U_CET, 1)) == Done()
    assert cpu.do(op.Wrmsr(Msr.PL0_SSP, 0x1000)) == Done()
    assert cpu.do(op.Rdmsr(Msr.U_CET)) == Value(1)
    assert cpu.x.in_use == 1 << Component.CET_U | 1 << Component.CET_S
    for message in (op.Wrmsr(Msr.PL0_SSP, 1), op.Wrmsr(Msr.U_CET, 1 << 6), op.Wrmsr(Msr.PL3_SSP, 1 << 60)):
        before = cpu.x
        assert cpu.do(message) == GP
        assert cpu.x == before
        cpu.do(op.Iret())
    assert bench("emerald_rapids").do(op.Rdmsr(Msr.U_CET)) == GP


def test_tdpbssd_adds_products_of_bytes(bench):
    cpu = bench()
    cpu.do(op.Ldtilecfg(config(1, 1, 1, colsb=4)))
    cpu.do(op.Tileloadd(0, b"\x0a"))
    cpu.do(op.Tileloadd(1, b"\1\2\3\xff"))
    cpu.do(op.Tileloadd(2, b"\4\5\6\7"))
    assert cpu.do(op.Tdpbssd(0, 1, 2)) == Done()
    total = 10 + 1 * 4 + 2 * 5 + 3 * 6 - 7
    assert cpu.do(op.Tilestored(0)) == Data(total.to_bytes(4, "little").ljust(1024, b"\0"))
    narrow = bytearray(config(1, 1, 1, colsb=8))
    narrow[18] = 4
    cpu.do(op.Ldtilecfg(bytes(narrow)))
    assert cpu.do(op.Tdpbssd(0, 1, 2)) == Done(), "4 bytes a row times 8 bytes a row"
    assert cpu.do(op.Tdpbssd(0, 2, 1)) == UD, "and not the other way round"
    cpu.do(op.Iret())
    assert cpu.do(op.Tdpbssd(0, 1, 1)) == UD, "three different tiles"
    cpu.do(op.Iret())
    assert cpu.do(op.Tdpbssd(0, 1, 3)) == UD, "a tile that is not configured"
    cpu.do(op.Iret())
    assert cpu.set_x(xfd=TILEDATA).do(op.Tdpbssd(0, 1, 2)) == NM
    assert cpu.x.xfd_err == TILEDATA
