"""The kernel's data: tasks, their fpstate, and per-CPU variables, by the names of the cells that hold them.

Everything that outlives one routine, or that another context may read, is a cell; a program's locals are registers and stack.
What never changes once a thing is there is a field of its handle, and reading it is no step.
"""

import functools
from typing import Any

import msgspec

from actors.machine.processor import PerCpu
from actors.runtime import Lock, Variable
from actors.runtime.program import Behaviour
from actors.system.kernel.flags import ThreadFlags
from actors.system.kernel.kasan import Freeable
from actors.system.kernel.mm import UserArea
from protocol.handles import Cell, Program


@functools.cache
def _variable(name: str) -> Variable[Any]:
    return Variable(name)


@functools.cache
def _freeable(name: str) -> Freeable:
    return Freeable(name)


@functools.cache
def _flags(name: str) -> ThreadFlags:
    return ThreadFlags(name)


class Fpstate(msgspec.Struct, frozen=True, cache_hash=True):
    """struct fpstate: what its XSAVE area has room for. `xfeatures` and `user_xfeatures` are masks, `size` is in bytes.

    These are fixed before an fpstate is published; `xfd` and `regs` are cells. An fpstate that is not allocated, or is freed,
    has None in both (see `kernel.vmalloc`), and an access to them is a finding (`kernel.kasan`).
    """

    name: str
    xfeatures: int
    user_xfeatures: int
    size: int

    @property
    def xfd(self) -> Freeable:
        """fpstate->xfd: the components that its owner may not use yet (mask)."""
        return _freeable(f"{self.name}.xfd")

    @property
    def regs(self) -> Cell:
        """fpstate->regs, an XSAVE area in the compacted format."""
        return Cell(f"{self.name}.regs")

    @property
    def area(self) -> Freeable:
        """The same, for plain loads and stores."""
        return _freeable(f"{self.name}.regs")


class Sigaction(msgspec.Struct, frozen=True, cache_hash=True):
    """What a task wants done with a signal: `handler(cpu, frame)` in user mode, with its frame at `frame`.

    The handler returns the pointer that it leaves in the frame for rt_sigreturn (uc_mcontext.fpstate): an area, or None.
    """

    handler: Behaviour
    frame: UserArea


class Task(msgspec.Struct, frozen=True, cache_hash=True):
    """task_struct, by the program that it runs. Threads of one process have the same `leader`, whose permissions count.

    `idle` is the task of a CPU that nobody else wants; it waits in no run queue. A task without `sigaction` is ended by a
    signal.
    """

    program: Program
    leader: Program | None = None
    idle: bool = False
    sigaction: Sigaction | None = None

    @property
    def name(self) -> str:
        """task->comm."""
        return self.program.name

    def contains(self, fpstate: Fpstate) -> bool:
        """Say whether an fpstate is a part of the task (fpu.__fpstate), and so never freed."""
        return fpstate.name == f"{self.name}->fpstate"

    @property
    def flags(self) -> ThreadFlags:
        """thread_info.flags and task->flags."""
        return _flags(f"{self.name}->flags")

    @property
    def fpstate(self) -> Variable[Fpstate]:
        """task->thread.fpu.fpstate: a pointer."""
        return _variable(f"{self.name}->fpu.fpstate")

    @property
    def last_cpu(self) -> Variable[int]:
        """task->thread.fpu.last_cpu: where the registers were loaded or saved last; -1: nowhere."""
        return _variable(f"{self.name}->fpu.last_cpu")

    @property
    def pkru(self) -> Variable[int]:
        """task->thread.pkru: the task's PKRU while it is off its CPU."""
        return _variable(f"{self.name}->thread.pkru")

    @property
    def state(self) -> Variable[str]:
        """task->__state, of a task that somebody traces: `running` or `traced`."""
        return _variable(f"{self.name}->__state")

    @property
    def perm(self) -> Variable[int]:
        """The process's fpu.perm: the dynamic features that it may use (mask)."""
        return _variable(f"{self.process}->fpu.perm")

    @property
    def process(self) -> str:
        """The name of the process: that of task->group_leader."""
        return (self.leader or self.program).name

    @property
    def guest_perm(self) -> Variable[int]:
        """The process's fpu.guest_perm: the dynamic features that its guests may use, and FPU_GUEST_PERM_LOCKED (mask)."""
        return _variable(f"{self.process}->fpu.guest_perm")

    @property
    def siglock(self) -> Lock:
        """task->sighand->siglock."""
        return Lock(f"{self.process}->siglock")

    @property
    def thread_group(self) -> Variable[tuple[Program, ...]]:
        """The threads of the process, as for_each_thread() goes through them."""
        return _variable(f"{self.process}->thread_group")

    @property
    def sas_ss_size(self) -> Variable[int]:
        """task->sas_ss_size: the size of the thread's alternate signal stack (bytes); 0: it has none."""
        return _variable(f"{self.name}->sas_ss_size")


class Kernel(msgspec.Struct, frozen=True, cache_hash=True):
    """The kernel's per-CPU variables, what it found at boot, and how it was built.

    Per CPU: `owner` is fpu_fpregs_owner_ctx, the task whose state the registers hold (None: nobody's), `xfd_state` the copy
    of XFD. `features` are the components that it manages (fpu_kernel_cfg.max_features), `dynamic` those of them that XFD can
    disable. `ospke`: it was started with protection keys (X86_FEATURE_OSPKE). `softirq` is what its one softirq vector does
    (None: nothing is ever raised), `do_signal` is arch_do_signal_or_restart(). `without` are the fixes that it lacks
    (`fixes`), `mutant` the change that was made to it ("": none; `mutants`).
    """

    runqueue: PerCpu
    idle: PerCpu
    preempt_count: PerCpu
    xfd_state: PerCpu
    owner: PerCpu
    in_kernel_fpu: PerCpu
    softirq_pending: PerCpu
    cpu_number: PerCpu
    init_fpstate: Fpstate
    features: int
    dynamic: int
    smp: bool = False
    ospke: bool = False
    softirq: Behaviour | None = None
    do_signal: Behaviour | None = None
    vmalloc_fails: bool = False
    without: tuple[str, ...] = ()
    mutant: str = ""

    def has(self, fix: str) -> bool:
        """Say whether a fix is in, by the first 12 digits of its commit."""
        return fix not in self.without

    def keeps(self, *mutants: str) -> bool:
        """Say whether a line stays that these mutants take away, or put elsewhere."""
        return self.mutant not in mutants

    def is_mutant(self, name: str) -> bool:
        """Say whether this mutant's own line is there."""
        return self.mutant == name
