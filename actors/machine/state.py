"""The values of the machine's cells: one CPU, one program's placement, one VMCS.

A CPU runs the context on top of its `frames`: a host task (user or kernel mode), above it perhaps its guest, or the handlers
of a hard interrupt, an NMI, a machine check. Only that context's message is enabled. Frames of handlers belong to the CPU and
finish there; a task's own frame moves with it and rests in its placement while it is off CPU. A CPU that has stopped or boots
has one frame, of kind BOOT.
"""

import functools
from enum import Enum

import msgspec

from actors.machine.xstate.registers import XState
from protocol.handles import Cell, Program
from protocol.registers import Work
from protocol.replies import Fault, VmExit
from protocol.virtualization import Controls


class Ring(Enum):
    """The code that a context runs: its CPL, and 64-bit or compatibility mode, both as CS has them (SDM volume 3, 5.2.1).

    Exceptions, interrupts and system calls enter 64-bit code whatever they interrupt, and IRET goes back to it.
    """

    KERNEL = (0, True)
    USER = (3, True)
    KERNEL32 = (0, False)
    USER32 = (3, False)

    def __init__(self, cpl: int, long_mode: bool) -> None:
        self.cpl = cpl
        self.long_mode = long_mode

    def beside(self, *, long_mode: bool) -> "Ring":
        """Return the code of the same CPL in 64-bit mode or in compatibility mode."""
        return next(ring for ring in Ring if (ring.cpl, ring.long_mode) == (self.cpl, long_mode))


class Kind(Enum):
    """What a frame belongs to."""

    TASK = "task"
    GUEST = "guest"
    HARDIRQ = "hardirq"
    NMI = "nmi"
    MCE = "machine check"
    BOOT = "boot"


HANDLERS = frozenset({Kind.HARDIRQ, Kind.NMI, Kind.MCE})
"""Frames on top of the context that was interrupted, which IRET takes away."""


class Saved(msgspec.Struct, frozen=True, cache_hash=True):
    """What an exception, interrupt or system call pushed, for IRET: CS and IF."""

    ring: Ring
    interrupt_flag: bool


class Frame(msgspec.Struct, frozen=True, cache_hash=True):
    """One context: whose it is, which code it runs, what it will return to, and work that an interrupt left it.

    `event` is an exception that a VM-entry injects: it comes in place of the guest's next instruction.
    """

    program: Program
    kind: Kind
    ring: Ring = Ring.KERNEL
    saved: tuple[Saved, ...] = ()
    work: Work = Work.NONE
    vcpu: str = ""
    event: Fault | None = None


class CpuState(msgspec.Struct, frozen=True, cache_hash=True):
    """One logical CPU: contexts (innermost last), extended state, IF and its shadow, CR0.TS, CR4.OSXSAVE, pending interrupts.

    In guest mode IF and the control registers are the guest's; `host_cr0_ts` and `host_cr4_osxsave` keep the host's. `pending`
    are the sources whose interrupt has made the CPU leave a guest and is not delivered yet, `pending_nmi` the one whose NMI or
    machine check has. `nmi_blocked` is blocking by NMI, from the delivery of one to the next IRET.
    """

    frames: tuple[Frame, ...]
    x: XState
    interrupt_flag: bool = True
    sti_shadow: bool = False
    cr0_ts: bool = False
    host_cr0_ts: bool = False
    pending: tuple[Program, ...] = ()
    cr4_osxsave: bool = True
    host_cr4_osxsave: bool = True
    pending_nmi: Program | None = None
    nmi_blocked: bool = False

    @property
    def top(self) -> Frame:
        """The context that runs."""
        return self.frames[-1]

    @property
    def in_guest(self) -> bool:
        """Whether the CPU is in VMX non-root operation."""
        return self.frames[-1].kind is Kind.GUEST

    @property
    def takes_interrupts(self) -> bool:
        """Whether an external interrupt would be taken now: always in a guest, with IF=1 and no shadow on the host."""
        return self.in_guest or (self.interrupt_flag and not self.sti_shadow)

    @property
    def stopped(self) -> bool:
        """Whether the CPU is dead, or boots and has no handlers yet."""
        return self.frames[0].kind is Kind.BOOT


class Placement(msgspec.Struct, frozen=True, cache_hash=True):
    """On which CPU a program runs (None: on none), and a task's frame while it is on none."""

    cpu: int | None = None
    frame: Frame | None = None


class Vmcs(msgspec.Struct, frozen=True, cache_hash=True):
    """What VMX keeps of a guest while it is not running: its context, IF and control registers, and why it was left.

    `result` and `completed` are what the hypervisor emulated for the intercepted instruction; that instruction's message
    is still pending and is answered from here at the next VM-entry. `event` is an exception that the next entry injects.
    `controls` say what leaves the guest. `active` is the CPU that runs it now.
    """

    frame: Frame
    interrupt_flag: bool = True
    cr0_ts: bool = False
    exit: VmExit | None = None
    completed: bool = False
    result: int | None = None
    cr4_osxsave: bool = True
    controls: Controls = Controls()
    event: Fault | None = None
    active: int | None = None


@functools.cache
def cpu_cell(number: int) -> Cell:
    """Return the cell of a CPU."""
    return Cell(f"cpu{number}")


class Vmx(msgspec.Struct, frozen=True, cache_hash=True):
    """The names of one virtual CPU's hardware cells."""

    vcpu: str

    @property
    def vmcs(self) -> Cell:
        """The VMCS."""
        return Cell(f"vmcs of {self.vcpu}")

    @property
    def guest_msrs(self) -> Cell:
        """The area that is the VM-entry MSR-load and the VM-exit MSR-store area at once, as KVM sets it up."""
        return Cell(f"guest MSRs of {self.vcpu}")

    @property
    def host_msrs(self) -> Cell:
        """The VM-exit MSR-load area."""
        return Cell(f"host MSRs of {self.vcpu}")
