import typing

import pytest

from actors.machine.describe import component_names, describe
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.registers import Component, Msr, Vector, Work


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
        (op.Xsave(7, Cell("a")), "xsave X87|SSE|AVX"),
        (op.Xsaveopt(1, Cell("a"), rexw=False), "xsaveopt X87 without REX.W"),
        (op.Xsavec(1 << 18, Cell("a")), "xsavec TILEDATA"),
        (op.Xrstor(1 << 9, Cell("a")), "xrstor PKRU"),
        (op.Xrstor(1, op.MemoryOperand(Cell("a"))), "xrstor X87"),
        (op.Xrstor(1, op.MemoryOperand(Cell("a"), address=0x1008)), "xrstor X87 at 0x1008"),
        (op.Xsave(1, op.MemoryOperand(Cell("a"), encoding="lock")), "lock xsave X87"),
        (op.Xsave(1, op.MemoryOperand(Cell("a"), encoding="66")), "xsave X87 with a 66h prefix"),
        (
            op.Xsave(1, op.MemoryOperand(Cell("a"), encoding="reg"), rexw=False),
            "xsave X87 without REX.W on a register",
        ),
        (op.JmpFar(long_mode=False), "ljmp to 32-bit code"),
        (op.JmpFar(long_mode=True), "ljmp to 64-bit code"),
        (op.MovFromCr0(), "read CR0"),
        (op.MovCr4Osxsave(osxsave=True), "set CR4.OSXSAVE"),
        (op.MovCr4Osxsave(osxsave=False), "clear CR4.OSXSAVE"),
        (op.Tdpbssd(0, 1, 2), "tdpbssd tmm0 tmm1 tmm2"),
        (op.Wrpkru(5), "wrpkru 0x5"),
        (op.Rdpkru(), "rdpkru"),
        (op.Ldmxcsr(0x1F80), "ldmxcsr 0x1f80"),
        (op.Fninit(), "fninit"),
        (op.Movq(3, 7), "movq xmm3 0x7"),
        (op.MovqFrom(3), "movq xmm3"),
        (op.Vpbroadcastq(17, 7), "vpbroadcastq zmm17 0x7"),
        (op.Vpbroadcastq(2, 7, 256), "vpbroadcastq ymm2 0x7"),
        (op.Kmovq(1, 7), "kmovq k1 0x7"),
        (op.Vmcontrol("vcpu0", op.Controls()), "vmwrite vcpu0: no exits"),
        (
            op.Vmcontrol("vcpu0", op.Controls(1 << Vector.NM, enable_xsaves=False, xss_exiting=1 << 11)),
            "vmwrite vcpu0: exits for #NM, xsaves and xrstors CET_U; no XSAVES",
        ),
        (
            op.Vmcontrol("vcpu0", op.Controls(rdmsr_exiting=(Msr.XFD,), wrmsr_exiting=(Msr.XFD, 0x10))),
            "vmwrite vcpu0: exits for rdmsr XFD, wrmsr XFD, wrmsr 0x10",
        ),
        (op.Vminject("vcpu0", Vector.NM), "vmwrite vcpu0: inject #NM"),
        (op.Vminject("vcpu0", Vector.PF, 4, 0x1000), "vmwrite vcpu0: inject #PF at 0x1000"),
        (op.Ldtilecfg(bytes(64)), "ldtilecfg"),
        (op.Tilestored(3), "tilestored tmm3"),
        (op.Tilezero(0), "tilezero tmm0"),
        (op.Touch(Component.APX), "touch 19"),
        (op.Load(Cell("guest->xfd")), "load guest->xfd"),
        (op.Store(Cell("guest->xfd"), 5), "store guest->xfd 5"),
        (op.SwitchTo(Program("task")), "switch_to task"),
        (op.Iret(), "iret"),
        (op.Iret(Work.RESCHED), "iret, leaving resched"),
        (op.Iret(Work.EXIT_TO_USER), "iret by way of exit_to_user_mode"),
        (op.Current(), "this_cpu load current_task"),
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
        "register": 3, "dst": 0, "src1": 1, "src2": 2, "osxsave": True, "vector": Vector.NM, "controls": op.Controls(),
        "long_mode": False,
    }  # fmt: skip
    given = {name: operands[name] for name in cls.__struct_fields__ if name in operands}
    if cls is op.ExternalInterrupt:
        del given["vector"]
    return describe(cls(**given))


def test_the_names_of_a_mask():
    assert component_names(0) == "0"
    assert component_names(0b111 | 1 << 18) == "X87|SSE|AVX|TILEDATA"
