"""Registers and numbers, under the names that the Intel manual gives them.

MSR addresses: SDM volume 4. State components: volume 1, 13.1. Exception vectors: volume 3, 6.3.1.
Basic VM-exit reasons: volume 3, appendix C.
"""

from enum import IntEnum
from typing import Annotated

import msgspec

Uint64 = Annotated[int, msgspec.Meta(ge=0)]
"""An unsigned 64-bit word. msgspec has no upper bounds beyond 63 bits, so Structs check it themselves: `check_words`."""

Uint32 = Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)]
"""An unsigned 32-bit word."""


def check_words(*words: int) -> None:
    """Raise ValueError unless all of these are unsigned 64-bit words; for `__post_init__`, so that it holds for all."""
    for word in words:
        if word >> 64:
            raise ValueError(f"{word:#x} is not an unsigned 64-bit word")


class Msr(IntEnum):
    """Model-specific registers, by address."""

    XFD = 0x1C4  # IA32_XFD: the components whose use raises #NM
    XFD_ERR = 0x1C5  # IA32_XFD_ERR: which of them an instruction wanted
    U_CET = 0x6A0  # IA32_U_CET: component 11, with PL3_SSP
    PL0_SSP = 0x6A4  # IA32_PL0_SSP: component 12, with the next two
    PL1_SSP = 0x6A5
    PL2_SSP = 0x6A6
    PL3_SSP = 0x6A7
    XSS = 0xDA0  # IA32_XSS: supervisor components that XSAVES manages


class Component(IntEnum):
    """State components of the XSAVE feature set, by bit number in XCR0, IA32_XSS and XSTATE_BV."""

    X87 = 0
    SSE = 1
    AVX = 2
    BNDREGS = 3
    BNDCSR = 4
    OPMASK = 5
    ZMM_HI256 = 6
    HI16_ZMM = 7
    PT = 8
    PKRU = 9
    PASID = 10
    CET_U = 11
    CET_S = 12
    HDC = 13
    UINTR = 14
    LBR = 15
    HWP = 16
    TILECFG = 17
    TILEDATA = 18
    APX = 19


class Vector(IntEnum):
    """Exceptions and the non-maskable interrupt, by vector number."""

    NMI = 2
    UD = 6
    NM = 7
    DF = 8
    GP = 13
    PF = 14
    MC = 18


class ExitReason(IntEnum):
    """Basic VM-exit reasons."""

    EXCEPTION_OR_NMI = 0
    EXTERNAL_INTERRUPT = 1
    HLT = 12
    VMCALL = 18
    RDMSR = 31
    WRMSR = 32
    ENTRY_FAILURE_MSR_LOADING = 34
    XSETBV = 55
    XSAVES = 63
    XRSTORS = 64


class Work(IntEnum):
    """What the kernel finds to do when an interrupt returns to the code that it interrupted."""

    NONE = 0
    RESCHED = 1  # back in the kernel: preempt_schedule_irq()
    EXIT_TO_USER = 2  # on the way to user mode: exit_to_user_mode_loop() and what follows it
