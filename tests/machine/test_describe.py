import typing

import pytest

from actors.machine.describe import component_names, describe
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.registers import Component, Work


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (op.Nop(), "nop"),
        (op.Sti(), "sti"),
        (op.Syscall(), "syscall"),
        (op.Tilerelease(), "tilerelease"),
        (op.Rdmsr(0x1C5), "rdmsr XFD_ERR"),
        (op.Rdmsr(0x10), "rdmsr 0x10"),
        (op.Wrmsr(0x1C4, 1 << 18), "wrmsr XFD 0x40000"),
        (op.Wrmsr(0x1C5, 0), "wrmsr XFD_ERR 0x0"),
        (op.MovCr0Ts(ts=True), "set CR0.TS"),
        (op.MovCr0Ts(ts=False), "clts"),
        (op.Xsetbv(7), "xsetbv 0x7"),
        (op.Xgetbv(1), "xgetbv 1"),
        (op.Xsaves(3 << 17, Cell("a")), "xsaves TILECFG|TILEDATA"),
        (op.Xrstors(0, Cell("a")), "xrstors 0"),
        (op.Ldtilecfg(bytes(64)), "ldtilecfg"),
        (op.Tilestored(3), "tilestored tmm3"),
        (op.Tilezero(0), "tilezero tmm0"),
        (op.Touch(Component.APX), "touch 19"),
        (op.Load(Cell("guest->xfd")), "load guest->xfd"),
        (op.Store(Cell("guest->xfd"), 5), "store guest->xfd 5"),
        (op.SwitchTo(Program("task")), "switch_to task"),
        (op.Iret(), "iret"),
        (op.Iret(Work.RESCHED), "iret, leaving resched"),
        (op.Vmenter("vcpu0"), "vmenter vcpu0"),
        (op.Vmread("vcpu0"), "vmread exit reason of vcpu0"),
        (op.Vmwrite("vcpu0"), "vmwrite vcpu0: instruction completed"),
        (op.ExternalInterrupt(), "external interrupt 0xec"),
    ],
)
def test_an_instruction_reads_as_in_a_listing(message, text):
    assert describe(message) == text


def test_long_data_does_not_fill_the_line():
    assert len(describe(op.Tileloadd(0, bytes(range(256)) * 4))) < 75
    assert describe(op.Tileloadd(2, b"\1")).startswith("tileloadd tmm2 ")


def test_every_instruction_has_a_text_and_no_two_the_same():
    texts = [describe_any(cls) for cls in typing.get_args(op.Instruction)]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def describe_any(cls):
    """Describe an instruction of that type with some operands."""
    operands = {
        "msr": 1, "value": 1, "ts": True, "rfbm": 0, "area": Cell("a"), "config": b"", "tile": 0, "data": b"",
        "component": Component.APX, "cell": Cell("a"), "next": Program("p"), "vcpu": "v",
    }  # fmt: skip
    return describe(cls(**{name: operands[name] for name in cls.__struct_fields__ if name in operands}))


def test_the_names_of_a_mask():
    assert component_names(0) == "0"
    assert component_names(0b111 | 1 << 18) == "X87|SSE|AVX|TILEDATA"
