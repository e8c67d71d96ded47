"""What an instruction answers: a value, a fault, a VM-exit, or that it was interrupted by work.

A reply goes to the sender of the message and to nobody else. `Reply` is the union for strict decoding.
"""

from typing import TypeAlias

import msgspec

from protocol.handles import Cell, Program
from protocol.registers import ExitReason, Uint64, Vector, Work, check_words


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The instruction retired and has no result."""


class Value(msgspec.Struct, frozen=True, tag="value"):
    """The instruction retired with this result (an unsigned integer: registers are 64 bits at most)."""

    value: int


class Data(msgspec.Struct, frozen=True, tag="data"):
    """The instruction stored these bytes, lowest address first."""

    data: bytes


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """The instruction did not execute and raised an exception (SDM volume 3, 6.3.1).

    The error code is there where the vector has one (6.13); `cpl` is the privilege level that it came from, as the pushed CS
    says. What it may have changed all the same, SDM volume 1, 13.8 and 13.12 tell.
    """

    vector: Vector
    error_code: int | None = None
    cpl: int = 0


class PageFault(Fault, frozen=True, tag="page_fault"):
    """A #PF: the linear address in CR2, and the cell of the area that it was met in.

    Bits of the error code (SDM volume 3, 4.7): 0 the page is there and forbids the access, 1 it was a write, 2 it came from
    CPL 3. `address` is that of the first byte that cannot be accessed; of an area without an address of its own it is counted
    from the area's start, and `area` tells which. There is no area where a hypervisor injected the exception.
    Raises ValueError for an address of more than 64 bits.
    """

    address: Uint64 = 0
    area: Cell | None = None

    def __post_init__(self) -> None:
        check_words(self.address)


class VmExit(msgspec.Struct, frozen=True, tag="vmexit"):
    """Why the guest was left: the basic exit reason, with what the hypervisor needs to know of the instruction or event.

    `qualification` is the exit qualification (SDM volume 3, 27.2.1) or what stands in its place: of RDMSR, WRMSR and XSETBV
    the register's number (ECX), of XSAVES and XRSTORS the instruction mask, of #PF the linear address, which CR2 does not
    get. `value` is what WRMSR or XSETBV would write (EDX:EAX). For an exception `vector` and `error_code` are those of the
    VM-exit interruption information (24.9.2).
    """

    reason: ExitReason
    qualification: int = 0
    value: int = 0
    vector: Vector | None = None
    error_code: int | None = None


class Interrupted(msgspec.Struct, frozen=True, tag="interrupted"):
    """The instruction has not run yet: an interrupt returned here and left work to be done first."""

    work: Work


Reply: TypeAlias = Program | Done | Value | Data | Fault | PageFault | VmExit | Interrupted
