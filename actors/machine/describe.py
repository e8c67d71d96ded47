"""Instructions as text, as they stand in a listing or a commit message: `wrmsr XFD_ERR 0`, `vmenter vcpu0`."""

from collections.abc import Callable
from typing import Any

from actors.runtime.values import show
from protocol import instructions as op
from protocol.registers import Component, Msr, Work


def _msr(index: int) -> str:
    return Msr(index).name if index in Msr._value2member_map_ else hex(index)


def component_names(mask: int) -> str:
    """Name the components of a mask: `TILECFG|TILEDATA`, or 0."""
    names = [component.name for component in Component if mask >> component & 1]
    return "|".join(names) or "0"


_TEXT: dict[type, Callable[[Any], str]] = {
    op.Rdmsr: lambda m: f"rdmsr {_msr(m.msr)}",
    op.Wrmsr: lambda m: f"wrmsr {_msr(m.msr)} {m.value:#x}",
    op.MovCr0Ts: lambda m: "set CR0.TS" if m.ts else "clts",
    op.Xsetbv: lambda m: f"xsetbv {m.value:#x}",
    op.Xgetbv: lambda m: f"xgetbv {m.ecx}",
    op.Xsaves: lambda m: f"xsaves {component_names(m.rfbm)}",
    op.Xrstors: lambda m: f"xrstors {component_names(m.rfbm)}",
    op.Ldtilecfg: lambda m: "ldtilecfg",  # noqa: ARG005  # 64 bytes that nobody wants to read
    op.Tileloadd: lambda m: f"tileloadd tmm{m.tile} {show(m.data)}",
    op.Tilestored: lambda m: f"tilestored tmm{m.tile}",
    op.Tilezero: lambda m: f"tilezero tmm{m.tile}",
    op.Touch: lambda m: f"touch {int(m.component)}",
    op.Load: lambda m: f"load {m.cell.name}",
    op.Store: lambda m: f"store {m.cell.name} {show(m.value)}",
    op.SwitchTo: lambda m: f"switch_to {m.next.name}",
    op.Iret: lambda m: "iret" if m.work is Work.NONE else "iret, leaving resched",
    op.Vmenter: lambda m: f"vmenter {m.vcpu}",
    op.Vmread: lambda m: f"vmread exit reason of {m.vcpu}",
    op.Vmwrite: lambda m: f"vmwrite {m.vcpu}: instruction completed",
    op.ExternalInterrupt: lambda m: f"external interrupt {m.vector:#x}",
}


def describe(message: Any) -> str:
    """Return the instruction as text; one without operands is its mnemonic."""
    return _TEXT.get(type(message), lambda m: type(m).__name__.lower())(message)
