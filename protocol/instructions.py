"""What a program can ask of the CPU that it runs on, one instruction or event a message.

Instructions bear the manual's names; `Instruction` is the union for strict decoding, told apart by the field `op`.
Three messages are not instructions: `SwitchTo` is the kernel's change of stacks, `ExternalInterrupt` arrives from outside,
and `Touch` uses a component that no released CPU has (the second XFD-capable one of the 2021 mail).

Contents of tiles are bytes: one tile is 16 rows of 64 bytes. Register operands are unsigned integers.
"""

from typing import Annotated, TypeAlias

import msgspec

from protocol.handles import Cell, Program
from protocol.registers import Component, Work

Uint64 = Annotated[int, msgspec.Meta(ge=0)]
Tile = Annotated[int, msgspec.Meta(ge=0, le=7)]


class MsrEntry(msgspec.Struct, frozen=True, tag="msr"):
    """One entry of a VMX MSR-load or MSR-store area: the MSR's address and its value."""

    index: int
    value: Uint64


class MsrArea(msgspec.Struct, frozen=True, tag="msr_area"):
    """A VMX MSR area in memory, in the order in which the CPU walks it (SDM volume 3, 24.7.2, 24.8.2)."""

    entries: tuple[MsrEntry, ...] = ()


class XsaveArea(msgspec.Struct, frozen=True, cache_hash=True, tag="xsave_area"):
    """An XSAVE area: the header's two words, and the other bytes in pieces, by ascending offset; the rest is zero.

    What the pieces are, and how an area is read and written, is in `actors.machine.xstate.area`.
    """

    xstate_bv: Uint64 = 0
    xcomp_bv: Uint64 = 0
    offsets: tuple[int, ...] = ()
    contents: tuple[bytes, ...] = ()


Word: TypeAlias = int | bool | str | MsrArea | XsaveArea | Program | None


class Base(msgspec.Struct, frozen=True, tag_field="op", tag=str.lower):
    """What instructions have in common: the tag that tells them apart."""


class Nop(Base, frozen=True):
    """NOP, standing for any instruction that touches nothing of interest."""


class Cli(Base, frozen=True):
    """CLI: clear IF."""


class Sti(Base, frozen=True):
    """STI: set IF; interrupts open one instruction later (the STI shadow)."""


class Hlt(Base, frozen=True):
    """HLT: in a guest, a VM-exit after the instruction."""


class Syscall(Base, frozen=True):
    """Enter the kernel from user mode; interrupts on, as the kernel's entry code leaves them."""


class Iret(Base, frozen=True):
    """IRET: leave the innermost exception, interrupt or system call, leaving `work` to the code returned to."""

    work: Work = Work.NONE


class Rdmsr(Base, frozen=True):
    """RDMSR of the address ECX."""

    msr: Uint64


class Wrmsr(Base, frozen=True):
    """WRMSR of the address ECX with EDX:EAX."""

    msr: Uint64
    value: Uint64


class Xgetbv(Base, frozen=True):
    """XGETBV: ECX=0 reads XCR0, ECX=1 reads XCR0 & XINUSE."""

    ecx: Uint64 = 0


class Xsetbv(Base, frozen=True):
    """XSETBV of the register ECX with EDX:EAX; always leaves a guest."""

    value: Uint64
    ecx: Uint64 = 0


class MovCr0Ts(Base, frozen=True):
    """MOV to CR0 (or CLTS) that changes the bit TS."""

    ts: bool


class Xsaves(Base, frozen=True):
    """XSAVES of the components `rfbm` into the memory cell `area`."""

    rfbm: Uint64
    area: Cell


class Xrstors(Base, frozen=True):
    """XRSTORS of the components `rfbm` from the memory cell `area`."""

    rfbm: Uint64
    area: Cell


class Ldtilecfg(Base, frozen=True):
    """LDTILECFG: load TILECFG from 64 bytes of memory, zeroing the tiles."""

    config: bytes


class Sttilecfg(Base, frozen=True):
    """STTILECFG: store TILECFG."""


class Tileloadd(Base, frozen=True):
    """TILELOADD: load one tile (at most 1024 bytes, the rest zero)."""

    tile: Tile
    data: bytes


class Tilestored(Base, frozen=True):
    """TILESTORED: store one tile (1024 bytes)."""

    tile: Tile


class Tilezero(Base, frozen=True):
    """TILEZERO: zero one tile."""

    tile: Tile


class Tilerelease(Base, frozen=True):
    """TILERELEASE: return TILECFG and TILEDATA to their initial state."""


class Touch(Base, frozen=True):
    """Use a component otherwise unknown: an instruction that needs it, writing `data` into it."""

    component: Component
    data: bytes = b""


class Load(Base, frozen=True):
    """Read one memory cell."""

    cell: Cell


class Store(Base, frozen=True):
    """Write one memory cell."""

    cell: Cell
    value: Word


class SwitchTo(Base, frozen=True):
    """The kernel's switch_to: from here on the CPU runs `next`, until somebody switches back."""

    next: Program


class Vmenter(Base, frozen=True):
    """VMLAUNCH or VMRESUME of the virtual CPU of that name."""

    vcpu: str


class Vmread(Base, frozen=True):
    """VMREAD of the exit reason and qualification of the virtual CPU of that name."""

    vcpu: str


class Vmwrite(Base, frozen=True):
    """Complete the guest's intercepted instruction: its result, and RIP behind it."""

    vcpu: str
    result: Uint64 | None = None


class ExternalInterrupt(Base, frozen=True):
    """An external interrupt reaches the CPU that its source is wired to."""

    vector: Annotated[int, msgspec.Meta(ge=32, le=255)] = 0xEC


Instruction: TypeAlias = (
    Nop
    | Cli
    | Sti
    | Hlt
    | Syscall
    | Iret
    | Rdmsr
    | Wrmsr
    | Xgetbv
    | Xsetbv
    | MovCr0Ts
    | Xsaves
    | Xrstors
    | Ldtilecfg
    | Sttilecfg
    | Tileloadd
    | Tilestored
    | Tilezero
    | Tilerelease
    | Touch
    | Load
    | Store
    | SwitchTo
    | Vmenter
    | Vmread
    | Vmwrite
    | ExternalInterrupt
)
