"""What a program can ask of the CPU that it runs on, one instruction or event a message.

Instructions bear the manual's names; `Instruction` is the union for strict decoding, told apart by the field `op`. Those on
extended state are in `extended`, those of VMX in `virtualization`; here are the others, and all of them under one name.
Some messages are not instructions: `SwitchTo` is the kernel's change of stacks; `ExternalInterrupt`, `Nmi`, `MachineCheck` and
`Reset` arrive from outside; and `Touch` uses a component that no released CPU has (the second XFD-capable one of the 2021 mail).

Register operands are unsigned integers; those of 64 bits raise ValueError for more. What a CPU does with each of them, and
which fault it raises instead, is in `actors.machine`. Source: SDM volume 2, each instruction; volume 3 where that says so.
"""

from typing import Annotated, TypeAlias

import msgspec

from protocol.areas import (
    UNMAPPED,
    WRITE_PROTECTED,
    Encoding,
    MemoryOperand,
    MsrArea,
    MsrEntry,
    Pages,
    XsaveArea,
)
from protocol.base import Base
from protocol.extended import (
    Fninit,
    Kmovq,
    Ldmxcsr,
    Ldtilecfg,
    Movq,
    MovqFrom,
    OnArea,
    Rdpkru,
    Stmxcsr,
    Sttilecfg,
    Tdpbssd,
    Tile,
    Tileloadd,
    Tilerelease,
    Tilestored,
    Tilezero,
    Touch,
    Vpbroadcastq,
    Vzeroall,
    Vzeroupper,
    Wrpkru,
    Xgetbv,
    Xrstor,
    Xrstors,
    Xsave,
    Xsavec,
    Xsaveopt,
    Xsaves,
    Xsetbv,
)
from protocol.handles import Cell, Program
from protocol.registers import Uint32, Uint64, Work, check_words
from protocol.virtualization import Controls, Vmcontrol, Vmenter, Vminject, Vmread, Vmwrite

__all__ = (
    "UNMAPPED",
    "WRITE_PROTECTED",
    "Base",
    "Cell",
    "Cli",
    "Controls",
    "Current",
    "Encoding",
    "ExternalInterrupt",
    "Fninit",
    "Hlt",
    "Instruction",
    "Iret",
    "JmpFar",
    "Kmovq",
    "Ldmxcsr",
    "Ldtilecfg",
    "Load",
    "MachineCheck",
    "MemoryOperand",
    "MovCr0Ts",
    "MovCr4Osxsave",
    "MovFromCr0",
    "Movq",
    "MovqFrom",
    "MsrArea",
    "MsrEntry",
    "Nmi",
    "Nop",
    "OnArea",
    "Pages",
    "PlayDead",
    "Program",
    "Pushf",
    "Rdmsr",
    "Rdpkru",
    "Reset",
    "Sti",
    "Stmxcsr",
    "Store",
    "Sttilecfg",
    "SwitchTo",
    "Syscall",
    "Tdpbssd",
    "Tile",
    "Tileloadd",
    "Tilerelease",
    "Tilestored",
    "Tilezero",
    "Touch",
    "Uint32",
    "Uint64",
    "Vmcontrol",
    "Vmenter",
    "Vminject",
    "Vmread",
    "Vmwrite",
    "Vpbroadcastq",
    "Vzeroall",
    "Vzeroupper",
    "Word",
    "Wrmsr",
    "Wrpkru",
    "Xgetbv",
    "Xrstor",
    "Xrstors",
    "Xsave",
    "XsaveArea",
    "Xsavec",
    "Xsaveopt",
    "Xsaves",
    "Xsetbv",
)

Word: TypeAlias = int | bool | str | MsrArea | XsaveArea | Pages | Program | None
"""What a memory cell can hold."""


class Nop(Base, frozen=True):
    """NOP, standing for any instruction that touches nothing of interest."""


class Cli(Base, frozen=True):
    """CLI: clear IF; CPL 0 only (IOPL is 0)."""


class Sti(Base, frozen=True):
    """STI: set IF; interrupts open one instruction later (the STI shadow, SDM volume 3, 6.8.3); CPL 0 only."""


class Pushf(Base, frozen=True):
    """PUSHF; of RFLAGS, IF (bit 9) is modelled."""


class Hlt(Base, frozen=True):
    """HLT: in a guest, a VM-exit after the instruction; CPL 0 only."""


class Syscall(Base, frozen=True):
    """Enter the kernel from user mode; interrupts on, as the kernel's entry code leaves them.

    SYSCALL, or where 32-bit code has none, INT 80H or SYSENTER.
    """


class Iret(Base, frozen=True):
    """IRET: leave the innermost exception, interrupt or system call, leaving `work` to the code returned to."""

    work: Work = Work.NONE


class JmpFar(Base, frozen=True):
    """A far jump to code of the same CPL in 64-bit mode, or in compatibility mode: 32-bit code (SDM volume 3, 5.2.1)."""

    long_mode: bool


class Rdmsr(Base, frozen=True):
    """RDMSR of the address ECX; RCX[63:32] is ignored. CPL 0 only."""

    msr: Uint64

    def __post_init__(self) -> None:
        check_words(self.msr)


class Wrmsr(Base, frozen=True):
    """WRMSR of the address ECX with EDX:EAX; RCX[63:32] is ignored. CPL 0 only."""

    msr: Uint64
    value: Uint64

    def __post_init__(self) -> None:
        check_words(self.msr, self.value)


class MovCr0Ts(Base, frozen=True):
    """MOV to CR0 (or CLTS) that changes the bit TS (bit 3); CPL 0 only."""

    ts: bool


class MovFromCr0(Base, frozen=True):
    """MOV from CR0; of its bits, TS (bit 3) is modelled. CPL 0 only."""


class MovCr4Osxsave(Base, frozen=True):
    """MOV to CR4 that changes the bit OSXSAVE (bit 18); CPL 0 only."""

    osxsave: bool


class Load(Base, frozen=True):
    """Read one memory cell: a MOV, which never faults here."""

    cell: Cell


class Store(Base, frozen=True):
    """Write one memory cell: a MOV, which never faults here; also a page-table entry, where the cell holds `Pages`."""

    cell: Cell
    value: Word


class Current(Base, frozen=True):
    """Read the per-CPU variable current_task: the task whose stack the CPU is on, also in an interrupt's handler."""


class SwitchTo(Base, frozen=True):
    """The kernel's switch_to: from here on the CPU runs `next`, until somebody switches back."""

    next: Program


class ExternalInterrupt(Base, frozen=True):
    """An external interrupt reaches the CPU that its source is wired to (SDM volume 3, 6.3.1).

    `request` is its bit in the local APIC's IRR, where another CPU can set that: none comes while it is False, and the delivery
    clears it (10.8.4).
    """

    vector: Annotated[int, msgspec.Meta(ge=32, le=255)] = 0xEC
    request: Cell | None = None


class Nmi(Base, frozen=True):
    """A non-maskable interrupt reaches the CPU that its source is wired to (SDM volume 3, 6.7)."""


class MachineCheck(Base, frozen=True):
    """A machine-check exception (#MC) of the CPU that its source is wired to: an abort, not of an instruction (6.15)."""


class PlayDead(Base, frozen=True):
    """The CPU stops, by MWAIT or HLT with interrupts off; `next` is what runs there when it has been reset. CPL 0 only."""

    next: Program


class Reset(Base, frozen=True):
    """The CPU is reset: registers have their power-up values (SDM volume 3, 9.1.1), and IF is 0."""


Instruction: TypeAlias = (
    Nop
    | Cli
    | Sti
    | Pushf
    | Hlt
    | Syscall
    | Iret
    | JmpFar
    | Rdmsr
    | Wrmsr
    | MovCr0Ts
    | MovFromCr0
    | MovCr4Osxsave
    | Xgetbv
    | Xsetbv
    | Xsave
    | Xsaveopt
    | Xsavec
    | Xsaves
    | Xrstor
    | Xrstors
    | Ldtilecfg
    | Sttilecfg
    | Tileloadd
    | Tilestored
    | Tilezero
    | Tilerelease
    | Tdpbssd
    | Wrpkru
    | Rdpkru
    | Ldmxcsr
    | Stmxcsr
    | Fninit
    | Vzeroupper
    | Vzeroall
    | Movq
    | MovqFrom
    | Vpbroadcastq
    | Kmovq
    | Touch
    | Load
    | Store
    | Current
    | SwitchTo
    | Vmenter
    | Vmread
    | Vmwrite
    | Vmcontrol
    | Vminject
    | ExternalInterrupt
    | Nmi
    | MachineCheck
    | PlayDead
    | Reset
)
