"""What an instruction answers: a value, a fault, a VM-exit, or that it was interrupted by work.

A reply goes to the sender of the message and to nobody else. `Reply` is the union for strict decoding.
"""

from typing import TypeAlias

import msgspec

from protocol.registers import ExitReason, Vector, Work


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The instruction retired and has no result."""


class Value(msgspec.Struct, frozen=True, tag="value"):
    """The instruction retired with this result (an unsigned integer: registers are 64 bits at most)."""

    value: int


class Data(msgspec.Struct, frozen=True, tag="data"):
    """The instruction stored these bytes."""

    data: bytes


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """The instruction did not execute and raised an exception.

    The error code is there where the vector has one; `cpl` is the privilege level that it came from, as the pushed CS says.
    """

    vector: Vector
    error_code: int | None = None
    cpl: int = 0


class VmExit(msgspec.Struct, frozen=True, tag="vmexit"):
    """Why the guest was left: the basic exit reason, with what the hypervisor needs to know of the instruction or event.

    `qualification` is the exit qualification or operand: of RDMSR and WRMSR the MSR's address, of XSETBV the value, of XSAVES
    and XRSTORS the instruction mask. `value` is what WRMSR would write. For an exception `vector` and `error_code` are those of
    the VM-exit interruption information.
    """

    reason: ExitReason
    qualification: int = 0
    value: int = 0
    vector: Vector | None = None
    error_code: int | None = None


class Interrupted(msgspec.Struct, frozen=True, tag="interrupted"):
    """The instruction has not run yet: an interrupt returned here and left work to be done first."""

    work: Work


Reply: TypeAlias = Done | Value | Data | Fault | VmExit | Interrupted
