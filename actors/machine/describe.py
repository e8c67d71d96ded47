"""Instructions as text, as they stand in a listing or a commit message: `wrmsr XFD_ERR 0`, `vmenter vcpu0`."""

from collections.abc import Callable
from typing import Any

from actors.runtime.values import show
from protocol import instructions as op
from protocol.registers import Component, Msr, Vector, Work


def _msr(index: int) -> str:
    return Msr(index).name if index in Msr._value2member_map_ else hex(index)


def component_names(mask: int) -> str:
    """Name the components of a mask: `TILECFG|TILEDATA`, or 0."""
    names = [component.name for component in Component if mask >> component & 1]
    return "|".join(names) or "0"


_ENCODINGS: dict[str, str] = {
    "": "{}",
    "lock": "lock {}",
    "66": "{} with a 66h prefix",
    "reg": "{} on a register",
}


def _on_area(message: op.OnArea) -> str:
    mnemonic = type(message).__name__.lower()
    text = f"{mnemonic} {component_names(message.rfbm)}" + ("" if message.rexw else " without REX.W")
    if not isinstance(message.area, op.MemoryOperand):
        return text
    if message.area.address is not None:
        text += f" at {message.area.address:#x}"
    return _ENCODINGS[message.area.encoding].format(text)


_IRET: dict[Work, str] = {
    Work.NONE: "iret",
    Work.RESCHED: "iret, leaving resched",
    Work.EXIT_TO_USER: "iret by way of exit_to_user_mode",
}

_TEXT: dict[type, Callable[[Any], str]] = {
    op.JmpFar: lambda m: f"ljmp to {'64' if m.long_mode else '32'}-bit code",
    op.Rdmsr: lambda m: f"rdmsr {_msr(m.msr)}",
    op.Wrmsr: lambda m: f"wrmsr {_msr(m.msr)} {m.value:#x}",
    op.MovCr0Ts: lambda m: "set CR0.TS" if m.ts else "clts",
    op.MovFromCr0: lambda m: "read CR0",  # noqa: ARG005  # no operand
    op.MovCr4Osxsave: lambda m: f"{'set' if m.osxsave else 'clear'} CR4.OSXSAVE",
    op.Xsetbv: lambda m: f"xsetbv {m.value:#x}",
    op.Xgetbv: lambda m: f"xgetbv {m.ecx}",
    **dict.fromkeys((op.Xsave, op.Xsaveopt, op.Xsavec, op.Xsaves, op.Xrstor, op.Xrstors), _on_area),
    op.Ldtilecfg: lambda m: "ldtilecfg",  # noqa: ARG005  # 64 bytes that nobody wants to read
    op.Tileloadd: lambda m: f"tileloadd tmm{m.tile} {show(m.data)}",
    op.Tilestored: lambda m: f"tilestored tmm{m.tile}",
    op.Tilezero: lambda m: f"tilezero tmm{m.tile}",
    op.Tdpbssd: lambda m: f"tdpbssd tmm{m.dst} tmm{m.src1} tmm{m.src2}",
    op.Wrpkru: lambda m: f"wrpkru {m.value:#x}",
    op.Ldmxcsr: lambda m: f"ldmxcsr {m.value:#x}",
    op.Movq: lambda m: f"movq xmm{m.register} {m.value:#x}",
    op.MovqFrom: lambda m: f"movq xmm{m.register}",
    op.Vpbroadcastq: lambda m: f"vpbroadcastq {'xyz'[m.width // 256]}mm{m.register} {m.value:#x}",
    op.Kmovq: lambda m: f"kmovq k{m.register} {m.value:#x}",
    op.Touch: lambda m: f"touch {int(m.component)}",
    op.Load: lambda m: f"load {m.cell.name}",
    op.Store: lambda m: f"store {m.cell.name} {show(m.value)}",
    op.SwitchTo: lambda m: f"switch_to {m.next.name}",
    op.PlayDead: lambda m: "mwait, and is dead",  # noqa: ARG005  # who comes next is nobody's business yet
    op.Current: lambda m: "this_cpu load current_task",  # noqa: ARG005  # no operand
    op.Iret: lambda m: _IRET[m.work],
    op.Vmenter: lambda m: f"vmenter {m.vcpu}",
    op.Vmread: lambda m: f"vmread exit reason of {m.vcpu}",
    op.Vmwrite: lambda m: f"vmwrite {m.vcpu}: instruction completed",
    op.Vmcontrol: lambda m: f"vmwrite {m.vcpu}: {controls_text(m.controls)}",
    op.Vminject: lambda m: (
        f"vmwrite {m.vcpu}: inject #{m.vector.name}" + ("" if m.address is None else f" at {m.address:#x}")
    ),
    op.ExternalInterrupt: lambda m: f"{'external interrupt' if m.request is None else 'IPI'} {m.vector:#x}",
    op.Nmi: lambda m: "NMI",  # noqa: ARG005  # no operand
    op.MachineCheck: lambda m: "#MC",  # noqa: ARG005  # no operand
}


def controls_text(controls: op.Controls) -> str:
    """Name what the controls make exit: `exits for #NM, wrmsr XFD`."""
    bitmap, xss = controls.exception_bitmap, controls.xss_exiting
    causes = [f"#{vector.name}" for vector in Vector if bitmap >> vector & 1]
    causes += [f"rdmsr {_msr(index)}" for index in controls.rdmsr_exiting]
    causes += [f"wrmsr {_msr(index)}" for index in controls.wrmsr_exiting]
    causes += [f"xsaves and xrstors {component_names(xss)}"] if xss else []
    text = f"exits for {', '.join(causes)}" if causes else "no exits"
    return text + ("" if controls.enable_xsaves else "; no XSAVES")


def describe(message: Any) -> str:
    """Return the instruction as text; one without operands is its mnemonic."""
    return _TEXT.get(type(message), lambda m: type(m).__name__.lower())(message)
