"""Several outcomes of one step: the smallest sound set, its labels, and when it is too large."""

import msgspec
import pytest

from actors.machine.model import TILEDATA, cpu_model
from actors.machine.results import OUTCOMES, shortened, tracked
from actors.machine.xstate import area as images
from actors.machine.xstate.components import bits
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tiles import config
from actors.runtime.errors import ModelError
from protocol import instructions as op
from protocol.handles import Cell
from protocol.registers import Component, Vector
from protocol.replies import Fault, Value

COMPACTED = 1 << 63
TILES = 3 << 17
AREA = Cell("area")


def labels(outcomes):
    return [outcome.label for outcome in outcomes]


def areas(outcomes):
    return [dict(outcome.writes)[AREA] for outcome in outcomes]


@pytest.mark.parametrize("tracking", ["recorded", "by_value"])
def test_a_profile_that_leaves_nothing_open_has_one_outcome_without_a_label(bench, tracking):
    cpu = bench(tracking=tracking)
    for message in (op.Xsaves(2**64 - 1, AREA), op.Xgetbv(1), op.Xrstors(0, AREA)):
        (outcome,) = cpu.outcomes(message)
        assert outcome.label == ""


def test_a_component_that_is_initial_may_be_saved_as_in_use_or_not(bench):
    cpu = bench(tracking="architectural")
    outcomes = cpu.outcomes(op.Xsaves(TILES, AREA))
    assert labels(outcomes) == ["plain", "in use 18", "in use 17", "in use 17,18"]
    assert [area.xstate_bv for area in areas(outcomes)] == [0, 1 << 18, 1 << 17, TILES]
    assert all(area.xcomp_bv == COMPACTED | TILES for area in areas(outcomes))


def test_one_that_is_not_initial_must_be_saved_and_what_is_equal_is_one_outcome(bench):
    cpu = bench(tracking="architectural")
    cpu.do(op.Ldtilecfg(config(16)))
    cpu.do(op.Tileloadd(0, b"\1"))
    (saved,) = cpu.outcomes(op.Xsaves(TILES, AREA))
    assert saved.label == ""
    cpu.do(op.Xsaves(TILES, AREA))
    cpu.do(op.Xrstors(TILES, AREA))
    (again,) = cpu.outcomes(op.Xsaves(TILES, AREA))
    assert dict(again.writes).get(AREA) == cpu.cells[AREA], "skipped or written, memory is the same"


def test_where_memory_has_changed_since_skipping_makes_a_difference(bench):
    cpu = bench(tracking="architectural")
    cpu.do(op.Ldtilecfg(config(16)))
    cpu.do(op.Xsavec(1 << 17, AREA))
    cpu.do(op.Xrstors(1 << 17, AREA))
    area = cpu.cells[AREA]
    cpu.cells[AREA] = msgspec.structs.replace(area, contents=(config(3),))
    outcomes = cpu.outcomes(op.Xsaves(1 << 17, AREA))
    assert dict(zip(labels(outcomes), areas(outcomes), strict=True)) == {
        "plain": area,
        "skip 17": cpu.cells[AREA],
    }


def test_only_components_that_are_asked_for_and_enabled_have_outcomes(bench):
    cpu = bench(tracking="architectural")
    assert len(cpu.outcomes(op.Xsaves(1 << 18, AREA))) == 2
    assert len(cpu.outcomes(op.Xsaves(1 << 18 | 1 << 40, AREA))) == 2
    cpu.do(op.Xsetbv(7))
    assert len(cpu.outcomes(op.Xsaves(TILES, AREA))) == 1


def test_what_xfd_disables_is_saved_as_not_in_use_whatever_the_cpu(bench):
    cpu = bench(tracking="architectural").set_x(xfd=TILEDATA)
    assert labels(cpu.outcomes(op.Xsaves(TILES, AREA))) == ["plain", "in use 17"]


def test_xgetbv_1_may_show_what_is_initial(bench):
    cpu = bench(tracking="architectural")
    cpu.do(op.Xsetbv(0x7))
    cpu.do(op.Movq(0, 1))
    outcomes = cpu.outcomes(op.Xgetbv(1))
    assert {outcome.label: outcome.reply for outcome in outcomes} == {
        "plain": Value(0b010),
        "in use 0": Value(0b011),
        "in use 2": Value(0b110),
        "in use 0,2": Value(0b111),
    }


def test_a_fault_in_the_middle_may_leave_each_component_old_or_new(bench):
    cpu = bench(tracking="architectural")
    cpu.do(op.Xsetbv(0b111))
    cpu.do(op.Movq(0, 1))
    cpu.do(op.Xsavec(0b10, AREA))
    flat = bytearray(images.to_bytes(cpu.cells[AREA], 576))
    flat[26] = 1  # a bit that MXCSR does not have
    cpu.cells[AREA] = images.from_bytes(bytes(flat), cpu.processor.model.description)
    cpu.do(op.Movq(0, 5))
    outcomes = cpu.outcomes(op.Xrstor(0b10, AREA))
    assert labels(outcomes) == ["plain", "new 1"]
    assert {outcome.reply for outcome in outcomes} == {Fault(Vector.GP, 0)}
    old, new = (dict(outcome.writes)[Cell("cpu0")].x.held(1)[0] for outcome in outcomes)
    assert (old, new) == (5, 1)


def test_setting_xfd_has_a_choice_for_live_data_alone(bench):
    cpu = bench("mail_2021", tracking="architectural")
    assert labels(cpu.outcomes(op.Wrmsr(0x1C4, 3 << 18))) == [""]
    cpu.do(op.Ldtilecfg(config(16)))
    cpu.do(op.Tilezero(0))
    assert labels(cpu.outcomes(op.Wrmsr(0x1C4, 3 << 18))) == [""], "zeros kept, and zeros lost, are one"
    cpu.do(op.Tileloadd(0, b"\1"))
    assert labels(cpu.outcomes(op.Wrmsr(0x1C4, 3 << 18))) == ["keep", "init 18"]
    cpu.do(op.Touch(Component.APX, b"\1"))
    assert len(cpu.outcomes(op.Wrmsr(0x1C4, 3 << 18))) == 4


def test_ways_that_come_to_the_same_are_not_counted(bench):
    cpu = bench(tracking="architectural").set_x(xss=0xDD00)
    x, description = cpu.x, cpu.processor.model.description
    first = {0: b"\x7e\x03", 12: b"\0\x10", 17: config(16)}
    for number in bits(0x602E7 | 0xDD00):
        x = x.loaded(number, first.get(number, b"\1").ljust(description.size(number), b"\0"))
    cpu.set(x=x)
    cpu.do(op.Xsaves(2**64 - 1, AREA))
    cpu.do(op.Xrstors(2**64 - 1, AREA))
    (outcome,) = cpu.outcomes(op.Xsaves(2**64 - 1, AREA))
    assert outcome.label == "", "2^15 times skipped or written, and always the same memory"


def test_a_step_with_too_many_outcomes_is_refused_and_not_cut_short(bench):
    cpu = bench(tracking="architectural").set_x(xss=0xDD00)
    with pytest.raises(
        ModelError,
        match=rf"^task: xsaves .*: 32768 outcomes with tracking=architectural, more than {OUTCOMES}, .*"
        "; ask for fewer components, enable fewer, or choose -p tracking=recorded$",
    ):
        cpu.outcomes(op.Xsaves(2**64 - 1, AREA))
    assert len(cpu.outcomes(op.Xsaves(0x602E7, AREA))) == 2**9
    recorded = bench(tracking="recorded").set_x(xss=0xDD00)
    assert len(recorded.outcomes(op.Xsaves(2**64 - 1, AREA))) == 1


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ([""], ""),
        (["in use 17 in use 18"], "in use 17,18"),
        (["in use 17 skip 2 in use 18"], "in use 17,18 skip 2"),
        (["keep init 19"], "keep init 19"),
        (["new 0 new MXCSR"], "new 0 new MXCSR"),
        (["", "in use 5", "in use 6"], "in use 5,6"),
    ],
)
def test_labels_are_short(given, label):
    assert shortened(given) == label


def test_in_use_bits_that_a_profile_does_not_look_at_make_no_states():
    data = b"\1" * 8192
    used = XState(xcr0=0x602E7, xinuse=0x602E7, xinuse_upper=6).holding(18, data)
    assert tracked(used, cpu_model("sapphire_rapids")) is used
    free = tracked(used, cpu_model("sapphire_rapids", tracking="architectural"))
    assert (free.xinuse, free.xinuse_upper) == (TILEDATA, 0)
    zero = XState(xcr0=0x602E7, xinuse=0x602E7)
    by_value = tracked(zero, cpu_model("sapphire_rapids", tracking="by_value"))
    assert by_value.xinuse == TILEDATA, "by value a tile that was loaded with zeros is in use"
    assert free == tracked(free, cpu_model("sapphire_rapids", tracking="architectural"))
