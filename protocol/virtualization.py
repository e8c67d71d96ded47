"""Instructions of VMX, and the controls of a guest that extended state is concerned with.

A virtual CPU goes by its name. VMX instructions are for CPL 0 in 64-bit mode; outside it they are #UD (SDM volume 3, 30.3).
Register operands of more than 64 bits raise ValueError.
"""

import msgspec

from protocol.base import Base
from protocol.registers import Uint32, Uint64, Vector, check_words


class Controls(msgspec.Struct, frozen=True, cache_hash=True, tag="controls"):
    """VM-execution controls (SDM volume 3, 24.6): what a guest's instructions and exceptions do not do by themselves.

    Exceptions leave the guest by the bits of `exception_bitmap`. With `enable_xsaves` = 0 XSAVES and XRSTORS are #UD, otherwise
    they exit where `xss_exiting` has a bit of EDX:EAX & IA32_XSS. The MSR bitmaps: addresses that RDMSR and WRMSR exit for;
    they cover 0 to 1FFFH and C0000000H to C0001FFFH, and any other address exits whatever they say (25.1.3).
    By default nothing exits but what always does. #PF exits by its bit alone: page-fault error-code mask and match are 0.
    """

    exception_bitmap: Uint32 = 0
    enable_xsaves: bool = True
    xss_exiting: Uint64 = 0
    rdmsr_exiting: tuple[Uint64, ...] = ()
    wrmsr_exiting: tuple[Uint64, ...] = ()

    def __post_init__(self) -> None:
        check_words(self.xss_exiting, *self.rdmsr_exiting, *self.wrmsr_exiting)


class Vmenter(Base, frozen=True):
    """VMLAUNCH or VMRESUME of the virtual CPU of that name (SDM volume 3, 26)."""

    vcpu: str


class Vmread(Base, frozen=True):
    """VMREAD of the exit reason and qualification of the virtual CPU of that name (SDM volume 3, 24.9)."""

    vcpu: str


class Vmwrite(Base, frozen=True):
    """Complete the guest's intercepted instruction: its result (64 bits, None: it has none), and RIP behind it."""

    vcpu: str
    result: Uint64 | None = None

    def __post_init__(self) -> None:
        check_words(self.result or 0)


class Vmcontrol(Base, frozen=True):
    """VMWRITE of the controls (and the stores into the MSR bitmaps), all at once (SDM volume 3, 24.6)."""

    vcpu: str
    controls: Controls


class Vminject(Base, frozen=True):
    """VMWRITE of the VM-entry interruption information: the next entry delivers this exception to the guest.

    `address` is what the hypervisor has written into CR2 for a #PF, which an entry does not do (SDM volume 3, 24.8.3, 26.6).
    """

    vcpu: str
    vector: Vector
    error_code: Uint32 | None = None
    address: Uint64 | None = None

    def __post_init__(self) -> None:
        check_words(self.address or 0)
