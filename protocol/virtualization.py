"""Instructions of VMX, and the controls of a guest that extended state is concerned with."""

import msgspec

from protocol.base import Base
from protocol.registers import Uint32, Uint64, Vector, check_words


class Controls(msgspec.Struct, frozen=True, cache_hash=True, tag="controls"):
    """VM-execution controls (SDM volume 3, 24.6): what a guest's instructions and exceptions do not do by themselves.

    Exceptions leave the guest by the bits of `exception_bitmap`. With `enable_xsaves` = 0 XSAVES and XRSTORS are #UD, otherwise
    they exit where `xss_exiting` has a bit of EDX:EAX & IA32_XSS. The MSR bitmap: addresses that RDMSR and WRMSR exit for.
    By default nothing exits but what always does.
    """

    exception_bitmap: Uint32 = 0
    enable_xsaves: bool = True
    xss_exiting: Uint64 = 0
    rdmsr_exiting: tuple[Uint64, ...] = ()
    wrmsr_exiting: tuple[Uint64, ...] = ()

    def __post_init__(self) -> None:
        check_words(self.xss_exiting, *self.rdmsr_exiting, *self.wrmsr_exiting)


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

    def __post_init__(self) -> None:
        check_words(self.result or 0)


class Vmcontrol(Base, frozen=True):
    """VMWRITE of the controls (and the stores into the MSR bitmap), all at once."""

    vcpu: str
    controls: Controls


class Vminject(Base, frozen=True):
    """VMWRITE of the VM-entry interruption information: the next entry delivers this exception to the guest."""

    vcpu: str
    vector: Vector
    error_code: Uint32 | None = None
