"""What the recorded lines are evidence for, as the docstrings of `xstate` say it: few lines for some rules, and none for others.

If a file of vectors brings more, the sentences that these tests quote have to be written anew.
"""

from collections import Counter
from typing import NamedTuple

import pytest

import actors.machine.xstate as package
from actors.machine.conform import on_hardware, ops
from actors.machine.conform.hardware import HardwareLine
from actors.machine.conform.lines import SuiteLine
from actors.machine.conform.reader import set_name
from actors.machine.conform.sequences import start, step
from actors.machine.xstate import cet, layout, restore, save, tiles, xfd
from actors.machine.xstate.components import HALVED, bits
from actors.machine.xstate.presets import EMERALD_RAPIDS
from actors.machine.xstate.registers import XState
from protocol.registers import Vector
from tests.machine.conform.samples import VECTORS, recorded


class Executed(NamedTuple):
    """An op of a sequence that is believed, the registers before it, and the area that it found."""

    line: str
    op: ops.Op
    before: XState
    memory: bytes

    @property
    def loads(self):
        """Return the components that a restore without a fault loads."""
        if not isinstance(self.op, ops.Xrstor | ops.Xrstors) or self.op.vec is not None:
            return 0
        enabled = self.before.xcr0 | (self.before.xss if isinstance(self.op, ops.Xrstors) else 0)
        return self.op.rfbm & enabled & int.from_bytes(self.memory[512:520], "little")


def executed(line):
    run = start(line)
    for op in line.ops:
        if op.sus:
            return
        before, memory = run.state, run.flat(op.area) if isinstance(op, ops.OnArea) else b""
        assert not list(step(run, op, freedom=False))
        yield Executed(line.id, op, before, memory)


@pytest.fixture(scope="module")
def lines():
    return [line for path in sorted(VECTORS.glob("*.xz")) for line in recorded(set_name(path))]


@pytest.fixture(scope="module")
def hardware(lines):
    return [line for line in lines if isinstance(line, HardwareLine)]


@pytest.fixture(scope="module")
def sequences(lines):
    return [one for line in lines if not isinstance(line, HardwareLine) for one in executed(line)]


def said(text, module=package):
    """Whether a module's docstring says so."""
    return text in " ".join(module.__doc__.split())


def test_how_many_lines_there_are(hardware, lines):
    suites = [line for line in lines if isinstance(line, SuiteLine)]
    emulator = len(lines) - len(hardware) - len(suites)
    assert (len(hardware), emulator, len(suites)) == (3181, 1157, 221)
    assert said("3,181 lines")
    assert said("1,157 sequences")
    assert said("221 sequences")


def test_three_lines_say_how_registers_8_to_15_count_in_compatibility_mode(hardware):
    telling = Counter()
    for line in hardware:
        if not line.encoding.compat or line.encoding.instruction != "xrstor" or line.fault is not None:
            continue
        state = on_hardware.before(line)
        xstate_bv = int.from_bytes(line.m0[line.off + 512 : line.off + 520], "little")
        upper = {
            number: any(content[len(content) // 2 :])
            for number, content in state.items()
            if HALVED >> number & 1
        }
        initialised = HALVED & line.rfbm & EMERALD_RAPIDS.xcr0 & ~xstate_bv & state.xinuse_upper
        for number in bits(initialised):
            kept = bool(line.xin1 >> number & 1)
            if upper.get(number, False) != any(upper.values()):
                telling[line.id, "another component's register keeps it in use"] += kept
            elif not any(upper.values()):
                telling[line.id, "all are zero"] += not kept
    assert set(telling) == {
        ("hw-c32-00026", "another component's register keeps it in use"),
        ("hw-c32-00304", "another component's register keeps it in use"),
        ("hw-c32-00314", "all are zero"),
    }
    assert all(telling.values())
    for number in ("hw-c32-00026", "-00304", "-00314"):
        assert said(number, restore)


def test_no_line_has_a_page_fault(hardware, sequences):
    assert Vector.PF not in {line.fault.vec for line in hardware if line.fault}
    assert Vector.PF not in {one.op.vec for one in sequences}
    assert said("#PF")


def test_xfd_has_four_sequences_and_no_instruction_on_tiles(sequences):
    under = [one for one in sequences if one.before.xfd]
    assert len({one.line for one in under}) == 4
    assert said("Four of these sequences set XFD")
    assert {type(one.op) for one in under if one.op.vec == Vector.NM} == {ops.Xrstor}
    assert not any(isinstance(one.op, ops.Tileloadd | ops.Tilestored | ops.Tilezero) for one in under)
    assert said("without a line here, that TILELOADD takes #NM", xfd)


def test_no_dot_product_is_computed(sequences):
    assert {one.op.vec for one in sequences if isinstance(one.op, ops.Tdpbssd)} == {Vector.UD}
    assert said("a TDPBSSD that executes")


def test_supervisor_state_is_never_loaded_and_uintr_state_never_there(sequences):
    loaded = Counter(number for one in sequences for number in bits(one.loads))
    assert not loaded.keys() & {11, 12, 14}
    assert min(loaded[9], loaded[17], loaded[18]) > 0
    assert not any(one.before.live >> 14 & 1 for one in sequences)
    assert any(one.before.live >> 11 & 1 for one in sequences)
    assert said("loads of components 11, 12 and 14")


def test_of_the_values_of_cet_msrs_only_misaligned_pointers_are_refused(sequences):
    refused = Counter()
    for one in sequences:
        if isinstance(one.op, ops.Wrmsr) and int(one.op.msr) in cet.PLACE:
            refused[cet.refuses(int(one.op.msr), int(one.op.val), 57)] += 1
    assert set(refused) == {None, "a shadow-stack pointer is not aligned to 4 bytes"}
    assert said("17 lines refuse a misaligned shadow-stack pointer", cet)
    assert refused["a shadow-stack pointer is not aligned to 4 bytes"] == 17


def test_the_cpu_was_recorded_without_xsaves_xrstors_and_aligned_components(hardware):
    seen = {line.encoding.instruction for line in hardware if line.fault is None}
    assert seen == {"xsave", "xsaveopt", "xsavec", "xrstor", "xgetbv"}
    assert said("an XSAVES that leaves out what was not modified")
    assert said("No line has XSAVES of a CPU that executes", save)
    assert not any(one.align64 for one in EMERALD_RAPIDS.components)
    assert said("no line of a CPU has a component that is aligned", layout)


def test_what_xfd_does_to_saves_is_recorded_of_xsavec_alone(sequences):
    hidden = {
        type(one.op) for one in sequences if isinstance(one.op, ops.Save) and one.before.xfd & one.op.rfbm
    }
    assert hidden == {ops.Xsavec}
    assert said("says anything of XSAVE, XSAVEOPT, XSAVES and XRSTORS under XFD", xfd)


def test_cr0_ts_is_recorded_of_few_instructions(sequences):
    seen = {(type(one.op), one.op.vec) for one in sequences if one.op.ts and one.op.vec != Vector.UD}
    assert seen == {
        (ops.Xrstor, Vector.NM),
        (ops.Xsavec, Vector.NM),
        (ops.Xgetbv, None),
        (ops.Ldtilecfg, None),
        (ops.Tilezero, None),
    }
    assert said("the emulator executes LDTILECFG and TILEZERO all the same", tiles)
