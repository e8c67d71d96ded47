"""What each instruction does to a CPU: who may execute it, which fault comes first, and what it leaves."""

import msgspec
import pytest

from actors.machine.instructions import CR0_TS, PRIVILEGED
from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import Ring, Saved
from actors.machine.xstate.tiles import config
from protocol import instructions as op
from protocol.registers import Component, Msr, Vector
from protocol.replies import Data, Done, Fault, Value

COMPACTED = 1 << 63
TILES = 3 << 17
GP, UD, NM = Fault(Vector.GP, 0), Fault(Vector.UD), Fault(Vector.NM)
TILE = b"\x55" * 1024


def at_user(fault):
    return msgspec.structs.replace(fault, cpl=3)


def with_a_tile(cpu):
    """Configure and load tile 0."""
    assert cpu.do(op.Ldtilecfg(config(16))) == Done()
    assert cpu.do(op.Tileloadd(0, TILE)) == Done()
    return cpu


def held(x):
    """What the registers hold, without what the processor remembers of its last XRSTOR."""
    return msgspec.structs.replace(x, xrstor_info=None, xmodified=0)


ONLY_FOR_THE_KERNEL = [
    op.Cli(),
    op.Sti(),
    op.Hlt(),
    op.Iret(),
    op.Rdmsr(Msr.XFD),
    op.Wrmsr(Msr.XFD, 0),
    op.MovCr0Ts(ts=False),
    op.MovFromCr0(),
    op.MovCr4Osxsave(osxsave=True),
    op.Vmcontrol("vcpu", op.Controls()),
    op.Vminject("vcpu", Vector.NM),
    op.Vmread("vcpu"),
    op.Vmwrite("vcpu"),
    op.Vmenter("vcpu"),
]
FOR_ALL = [
    op.Nop(),
    op.Wrpkru(1),
    op.Rdpkru(),
    op.Fninit(),
    op.Ldmxcsr(0x1F80),
    op.Stmxcsr(),
    op.MovqFrom(0),
    op.Current(),
    op.Vzeroupper(),
    op.Xgetbv(),
    op.Ldtilecfg(config(16)),
    op.Sttilecfg(),
    op.Tilerelease(),
    op.Syscall(),
]


@pytest.mark.parametrize("message", ONLY_FOR_THE_KERNEL, ids=lambda one: type(one).__name__)
def test_a_user_program_gets_gp_for_what_only_the_kernel_may_do(bench, message):
    cpu = bench(ring=Ring.USER)
    before = cpu.x
    assert cpu.do(message) == at_user(GP)
    assert cpu.x == before
    assert type(message) in PRIVILEGED


@pytest.mark.parametrize("message", FOR_ALL, ids=lambda one: type(one).__name__)
def test_a_user_program_may_do_the_rest(bench, message):
    assert not isinstance(bench(ring=Ring.USER).do(message), Fault)


def test_xsetbv_is_for_the_kernel_too_but_looks_at_osxsave_first(bench):
    assert bench(ring=Ring.USER).do(op.Xsetbv(7)) == at_user(GP)
    assert bench(ring=Ring.USER).set(cr4_osxsave=False).do(op.Xsetbv(7)) == at_user(UD)


def test_a_user_program_gets_gp_for_the_supervisor_forms_of_xsave_too(bench):
    for message in (op.Xsaves(TILES, bench.area), op.Xrstors(TILES, bench.area)):
        cpu = bench(ring=Ring.USER)
        assert cpu.do(message) == at_user(GP)
        assert cpu.cells[bench.area] == op.XsaveArea(0, COMPACTED)


def test_but_there_cr0_ts_comes_before_the_privilege_level(bench):
    for message in (op.Xsaves(TILES, bench.area), op.Xrstors(TILES, bench.area)):
        assert bench(ring=Ring.USER).set(cr0_ts=True).do(message) == at_user(NM)


def test_a_fault_pushes_ring_and_if_and_enters_the_kernel_with_interrupts_off(bench):
    cpu = bench(ring=Ring.USER)
    assert cpu.do(op.Rdmsr(Msr.XFD)) == at_user(GP)
    assert cpu.cpu.top.ring is Ring.KERNEL
    assert cpu.cpu.top.saved == (Saved(Ring.USER, True),)
    assert not cpu.cpu.interrupt_flag
    assert cpu.do(op.Iret()) == Done()
    assert cpu.cpu == bench(ring=Ring.USER).cpu, "IRET takes all of it back"


def test_a_message_that_no_table_has_is_an_invalid_opcode(bench):
    class Ud2(op.Base, frozen=True):
        pass

    assert bench().do(Ud2()) == UD
    assert bench(ring=Ring.USER).do(Ud2()) == at_user(UD)


def test_hlt_is_nothing_that_this_host_does(bench):
    assert bench().do(op.Hlt()) == UD


# Interrupt flag.


def test_cli_and_sti_switch_interrupts_and_sti_has_a_shadow_of_one_instruction(bench):
    cpu = bench()
    cpu.do(op.Cli())
    assert not cpu.cpu.interrupt_flag
    cpu.do(op.Sti())
    assert (cpu.cpu.interrupt_flag, cpu.cpu.sti_shadow) == (True, True)
    cpu.do(op.Nop())
    assert (cpu.cpu.interrupt_flag, cpu.cpu.sti_shadow) == (True, False)


def test_sti_with_interrupts_on_already_has_no_shadow(bench):
    cpu = bench()
    cpu.do(op.Sti())
    assert not cpu.cpu.sti_shadow


def test_sti_and_cli_in_a_row_open_nothing(bench):
    cpu = bench()
    for message in (op.Cli(), op.Sti(), op.Cli()):
        cpu.do(message)
        assert cpu.cpu.interrupt_flag is False or cpu.cpu.sti_shadow
    assert not cpu.cpu.sti_shadow


@pytest.mark.parametrize("message", [op.Load(op.Cell("word")), op.Xgetbv(), op.Rdmsr(Msr.XFD), op.Xsetbv(0)])
def test_any_instruction_ends_the_shadow_a_fault_too(bench, message):
    cpu = bench()
    cpu.do(op.Cli())
    cpu.do(op.Sti())
    cpu.do(message)
    assert not cpu.cpu.sti_shadow


def test_a_system_call_enters_the_kernel_and_leaves_interrupts_on(bench):
    cpu = bench(ring=Ring.USER)
    cpu.do(op.Syscall())
    assert (cpu.cpu.top.ring, cpu.cpu.interrupt_flag) == (Ring.KERNEL, True)
    cpu.do(op.Iret())
    assert cpu.cpu == bench(ring=Ring.USER).cpu


# MSRs and XCR0.


def test_msrs_are_written_and_read_back(bench):
    cpu = bench()
    assert cpu.do(op.Wrmsr(Msr.XFD, TILEDATA)) == Done()
    assert cpu.do(op.Rdmsr(Msr.XFD)) == Value(TILEDATA)
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR)) == Value(0)


@pytest.mark.parametrize(
    "message", [op.Rdmsr(0x10), op.Wrmsr(0x10, 0), op.Wrmsr(Msr.XFD, 1 << 17), op.Wrmsr(Msr.XSS, 1)]
)
def test_unknown_msrs_and_unsupported_bits_are_gp_and_change_nothing(bench, message):
    cpu = bench()
    before = cpu.x
    assert cpu.do(message) == GP
    assert cpu.x == before


def test_setting_xfd_over_a_live_tile_has_two_outcomes_where_the_manual_is_followed(bench):
    cpu = with_a_tile(bench(xfd_set="undefined"))
    outcomes = cpu.outcomes(op.Wrmsr(Msr.XFD, TILEDATA))
    assert sorted(outcome.label for outcome in outcomes) == ["init 18", "keep"]
    cpu.do(op.Wrmsr(Msr.XFD, TILEDATA), label="init 18")
    cpu.do(op.Wrmsr(Msr.XFD, 0))
    assert cpu.do(op.Tilestored(0)) == Data(bytes(1024))


def test_xsetbv_follows_the_rules_of_xcr0_and_takes_register_0_alone(bench):
    cpu = bench()
    assert cpu.do(op.Xsetbv(0b11 | TILES)) == Done()
    assert cpu.do(op.Xgetbv()) == Value(0b11 | TILES)
    assert cpu.do(op.Xsetbv(0b101)) == GP
    assert cpu.do(op.Iret()) == Done()
    assert cpu.do(op.Xsetbv(0b11, ecx=1)) == GP
    assert cpu.do(op.Iret()) == Done()
    assert cpu.do(op.Xsetbv(0b11, ecx=1 << 32)) == Done(), "RCX[63:32] is ignored"
    assert cpu.do(op.Xgetbv()) == Value(0b11)


def test_disabling_tiles_in_xcr0_preserves_them_and_makes_their_instructions_undefined(bench):
    cpu = with_a_tile(bench())
    everything = cpu.x.xcr0
    cpu.do(op.Xsetbv(everything & ~TILES))
    assert cpu.do(op.Tilestored(0)) == UD
    cpu.do(op.Iret())
    cpu.do(op.Xsetbv(everything))
    assert cpu.do(op.Tilestored(0)) == Data(TILE)


def test_xgetbv_1_tells_what_is_in_use_and_other_registers_are_gp(bench):
    cpu = bench()
    assert cpu.do(op.Xgetbv(1)) == Value(0)
    with_a_tile(cpu)
    assert cpu.do(op.Xgetbv(1)) == Value(TILES)
    cpu.do(op.Tilerelease())
    assert cpu.do(op.Xgetbv(1)) == Value(0)
    assert cpu.do(op.Xgetbv(2)) == GP


# Tiles: #UD first, then CR0.TS, then XFD.

NEEDS_TILES = [op.Tileloadd(0, TILE), op.Tilestored(0), op.Tilezero(0)]
NEEDS_NONE = [op.Ldtilecfg(config(16)), op.Sttilecfg(), op.Tilerelease()]
AMX = NEEDS_TILES + NEEDS_NONE


def name(message):
    return type(message).__name__


@pytest.mark.parametrize("message", AMX, ids=name)
@pytest.mark.parametrize("missing", [TILES, 1 << 17, 1 << 18])
def test_without_both_bits_in_xcr0_every_tile_instruction_is_undefined_whatever_else_holds(
    bench, message, missing
):
    cpu = with_a_tile(bench())
    cpu.set_x(xcr0=cpu.x.xcr0 & ~missing, xfd=TILEDATA).set(cr0_ts=True)
    assert cpu.do(message) == UD
    assert cpu.x.xfd_err == 0


@pytest.mark.parametrize("message", NEEDS_TILES, ids=name)
def test_a_tile_that_is_not_configured_is_undefined_before_xfd_is_asked(bench, message):
    cpu = bench().set_x(xfd=TILEDATA).set(cr0_ts=True)
    assert cpu.do(message) == UD
    cpu = bench().set_x(xfd=TILEDATA)
    cpu.do(op.Ldtilecfg(config(0, 16)))
    assert cpu.do(message) == UD, "tile 1 is configured, tile 0 is not"
    assert cpu.x.xfd_err == 0


@pytest.mark.parametrize("message", AMX, ids=name)
def test_cr0_ts_comes_before_xfd_and_leaves_xfd_err_alone(bench, message):
    for stale in (0, TILEDATA):
        cpu = with_a_tile(bench()).set_x(xfd=TILEDATA, xfd_err=stale).set(cr0_ts=True)
        before = cpu.x
        assert cpu.do(message) == NM
        assert cpu.x == before


@pytest.mark.parametrize("message", NEEDS_TILES, ids=name)
def test_xfd_stops_what_touches_a_tile_and_says_so_in_xfd_err(bench, message):
    cpu = with_a_tile(bench()).set_x(xfd=TILEDATA)
    before = cpu.x
    assert cpu.do(message) == NM
    assert cpu.x == msgspec.structs.replace(before, xfd_err=TILEDATA)


@pytest.mark.parametrize("message", NEEDS_NONE, ids=name)
def test_xfd_does_not_stop_ldtilecfg_sttilecfg_and_tilerelease(bench, message):
    cpu = with_a_tile(bench()).set_x(xfd=TILEDATA)
    assert not isinstance(cpu.do(message), Fault)
    assert cpu.x.xfd_err == 0


def test_ldtilecfg_and_tilerelease_make_disabled_tiles_initial(bench):
    for message in (op.Ldtilecfg(config(16)), op.Tilerelease()):
        cpu = with_a_tile(bench()).set_x(xfd=TILEDATA)
        cpu.do(message)
        assert not cpu.x.in_use & TILEDATA


def test_hardware_never_clears_xfd_err(bench):
    cpu = with_a_tile(bench()).set_x(xfd=TILEDATA)
    cpu.do(op.Tilestored(0))
    cpu.do(op.Iret())
    cpu.do(op.Wrmsr(Msr.XFD, 0))
    cpu.do(op.Tilestored(0))
    cpu.do(op.Tilerelease())
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR)) == Value(TILEDATA)


def test_a_configuration_that_does_not_fit_is_gp_and_changes_nothing(bench):
    cpu = with_a_tile(bench())
    before = cpu.x
    assert cpu.do(op.Ldtilecfg(config(17))) == GP
    assert cpu.x == before


def test_what_is_loaded_is_stored_and_zeroed(bench):
    cpu = with_a_tile(bench())
    assert cpu.do(op.Tilestored(0)) == Data(TILE)
    assert cpu.do(op.Sttilecfg()) == Data(config(16))
    cpu.do(op.Tilezero(0))
    assert cpu.do(op.Tilestored(0)) == Data(bytes(1024))


# XSAVES and XRSTORS.


def test_tile_state_is_saved_released_and_restored(bench):
    cpu = with_a_tile(bench())
    before = cpu.x
    assert cpu.do(op.Xsaves(TILES, bench.area)) == Done()
    cpu.do(op.Tilerelease())
    assert cpu.do(op.Xrstors(TILES, bench.area)) == Done()
    assert held(cpu.x) == held(before)


def test_a_save_under_xfd_does_not_fault_and_has_no_tiles(bench):
    cpu = with_a_tile(bench()).set_x(xfd=TILEDATA)
    before = cpu.x
    assert cpu.do(op.Xsaves(TILES, bench.area)) == Done()
    assert cpu.x == before
    assert cpu.cells[bench.area] == op.XsaveArea(1 << 17, COMPACTED | TILES, (576,), (config(16),))


def test_a_restore_that_would_load_disabled_tiles_is_nm_and_changes_nothing_else(bench):
    cpu = with_a_tile(bench())
    cpu.do(op.Xsaves(TILES, bench.area))
    cpu.do(op.Tilerelease())
    cpu.set_x(xfd=TILEDATA)
    before = cpu.x
    assert cpu.do(op.Xrstors(TILES, bench.area)) == NM
    assert cpu.x == msgspec.structs.replace(before, xfd_err=TILEDATA)


def test_a_restore_that_would_initialise_disabled_tiles_does_so(bench):
    cpu = with_a_tile(bench()).set_x(xfd=TILEDATA)
    assert cpu.do(op.Xrstors(TILES, bench.area)) == Done()
    assert cpu.x.in_use == 0
    assert cpu.x.xfd_err == 0


def test_a_bad_header_is_gp_before_xfd_and_behind_cr0_ts(bench):
    cpu = bench().set_x(xfd=TILEDATA)
    cpu.cells[bench.area] = op.XsaveArea(TILEDATA, TILES)
    assert cpu.do(op.Xrstors(TILES, bench.area)) == GP
    cpu.do(op.Iret())
    assert cpu.x.xfd_err == 0
    assert cpu.set(cr0_ts=True).do(op.Xrstors(TILES, bench.area)) == NM
    assert cpu.x.xfd_err == 0


def test_the_header_is_checked_whatever_is_requested(bench):
    cpu = bench()
    cpu.cells[bench.area] = op.XsaveArea(0, 0)
    assert cpu.do(op.Xrstors(0, bench.area)) == GP


def test_all_components_of_the_cpu_are_saved_and_restored(bench):
    cpu = with_a_tile(bench())
    before = cpu.x
    assert cpu.do(op.Xsaves(2**64 - 1, bench.area)) == Done()
    assert cpu.cells[bench.area].xcomp_bv == COMPACTED | 0x602E7
    cpu.do(op.Tilerelease())
    assert cpu.do(op.Xrstors(2**64 - 1, bench.area)) == Done()
    assert held(cpu.x) == held(before)


def test_what_a_save_leaves_out_stays_as_it_was_in_memory(bench):
    cpu = with_a_tile(bench())
    cpu.do(op.Xsaves(TILES, bench.area))
    cpu.do(op.Tilerelease())
    cpu.do(op.Xsaves(TILES, bench.area))
    area = cpu.cells[bench.area]
    assert (area.xstate_bv, area.xcomp_bv) == (0, COMPACTED | TILES)
    assert (area.offsets[0], area.contents[0]) == (576, config(16)), "stale, and not to be restored"


# The mail's second component.


def test_touch_is_undefined_where_there_is_no_second_component(bench):
    for component in Component:
        assert bench().do(op.Touch(component)) == UD


def test_touch_uses_the_second_component_alone_and_xfd_stops_it(bench):
    cpu = bench("mail_2021").set_x(xfd=TILEDATA)
    assert cpu.do(op.Touch(Component.TILEDATA)) == UD
    cpu.do(op.Iret())
    assert cpu.do(op.Touch(Component.APX, b"\1")) == Done()
    assert cpu.x.held(19) == b"\1" + bytes(63)
    assert cpu.set_x(xfd=HYPOTHETICAL).do(op.Touch(Component.APX)) == NM
    assert cpu.x.xfd_err == HYPOTHETICAL


def test_touch_is_undefined_without_its_bit_in_xcr0(bench):
    cpu = bench("mail_2021")
    cpu.do(op.Xsetbv(0b11))
    assert cpu.set(cr0_ts=True).do(op.Touch(Component.APX)) == UD


def test_touch_writes_no_more_than_the_component_holds(bench):
    cpu = bench("mail_2021")
    cpu.do(op.Touch(Component.APX, b"\1" * 100))
    assert cpu.x.held(19) == b"\1" * 64


@pytest.mark.parametrize(("rule", "left"), [("load", HYPOTHETICAL), ("accumulate", HYPOTHETICAL | TILEDATA)])
def test_a_stale_bit_is_replaced_or_added_to(bench, rule, left):
    cpu = bench("mail_2021", xfd_err=rule).set_x(xfd=TILEDATA | HYPOTHETICAL, xfd_err=TILEDATA)
    assert cpu.do(op.Touch(Component.APX)) == NM
    assert cpu.do(op.Rdmsr(Msr.XFD_ERR)) == Value(left)


# Control registers.


def test_cr0_is_read_with_ts_in_bit_3(bench):
    cpu = bench()
    assert cpu.do(op.MovFromCr0()) == Value(0)
    cpu.do(op.MovCr0Ts(ts=True))
    assert cpu.do(op.MovFromCr0()) == Value(CR0_TS) == Value(8)


NEEDS_OSXSAVE = [
    op.Xgetbv(),
    op.Xsetbv(7),
    *(
        kind(0, op.Cell("area"))
        for kind in (op.Xsave, op.Xsaveopt, op.Xsavec, op.Xsaves, op.Xrstor, op.Xrstors)
    ),
    *AMX,
    op.Vzeroupper(),
    op.Vzeroall(),
    op.Kmovq(0, 1),
    op.Vpbroadcastq(0, 1),
]


@pytest.mark.parametrize("message", NEEDS_OSXSAVE, ids=name)
def test_without_cr4_osxsave_the_whole_family_is_undefined_and_cr0_ts_does_not_matter(bench, message):
    cpu = with_a_tile(bench()).set(cr0_ts=True)
    cpu.do(op.MovCr4Osxsave(osxsave=False))
    before = cpu.x
    assert cpu.do(message) == UD
    assert cpu.x == before
    cpu.do(op.Iret())
    cpu.do(op.MovCr4Osxsave(osxsave=True))
    assert cpu.do(message) != UD


@pytest.mark.parametrize("message", [op.Fninit(), op.Ldmxcsr(0x1F80), op.Movq(0, 1), op.Wrpkru(1)], ids=name)
def test_older_instructions_do_without_osxsave(bench, message):
    assert bench().set(cr4_osxsave=False).do(message) == Done()


def test_movq_from_an_xmm_register_replies_its_low_word_and_changes_nothing(bench):
    cpu = bench()
    cpu.do(op.Movq(3, 0xC0FFEE))
    before = cpu.x
    assert cpu.do(op.MovqFrom(3)) == Value(0xC0FFEE)
    assert cpu.do(op.MovqFrom(4)) == Value(0)
    assert cpu.x == before
    assert cpu.set(cr4_osxsave=False).do(op.MovqFrom(3)) == Value(0xC0FFEE)


def test_current_is_the_task_whose_stack_the_cpu_is_on_also_for_a_handler(bench):
    cpu = bench(ring=Ring.USER)
    assert cpu.do(op.Current()) == bench.task
    assert cpu.do(op.ExternalInterrupt(), bench.irq) == Value(3)
    assert cpu.cpu.top.program == bench.irq
    assert cpu.do(op.Current()) == bench.task


# Memory.


def test_loads_and_stores_are_of_one_cell(bench):
    cpu = bench()
    assert cpu.do(op.Load(bench.word)) == 7
    assert cpu.do(op.Store(bench.word, 8)) == Done()
    assert cpu.do(op.Load(bench.word)) == 8
