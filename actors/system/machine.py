"""Machine: a world of CPUs, host tasks, guests and interrupts, booted and ready.

The first task that is put on a CPU runs there from the start; others wait in its run queue. Each CPU has an idle task.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from actors.machine.model import CpuModel, CpuName, Tracking, XfdErr, XfdSetting, cpu_model
from actors.machine.processor import Processor
from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, Vmcs, cpu_cell
from actors.machine.xstate.registers import XState
from actors.runtime.conditions import Predicate
from actors.runtime.errors import ModelError, VmraceError
from actors.runtime.program import Behaviour
from actors.system.adding.interrupts import Interrupts
from actors.system.adding.invariants import Invariants
from actors.system.adding.moving import Moving
from actors.system.adding.signals import Signals
from actors.system.adding.tasks import Tasks
from actors.system.boot import add_kernel_thread, add_user_state, boot, idle
from actors.system.fpu.pkru import INIT_PKRU
from actors.system.guest import guest_exception
from actors.system.guest_cpu import GuestCpu
from actors.system.kernel.data import Sigaction, Task
from actors.system.kernel.fixes import missing
from actors.system.kernel.flags import Flags
from actors.system.kernel.mutants import check_mutant
from actors.system.kvm import Swap, Vcpu, Window, vcpu_thread
from actors.system.narration import annotate, event_of, told_as
from actors.system.sched.idle import do_idle
from actors.system.signals.delivery import arch_do_signal_or_restart
from actors.system.tasks import user_task
from protocol.handles import Cell, Program
from protocol.instructions import MemoryOperand, MsrArea, MsrEntry, Pages, XsaveArea
from protocol.records import Column, Step
from protocol.records import Kind as ConditionKind
from protocol.registers import Component, Msr


class Machine(Tasks, Interrupts, Moving, Signals, Invariants):
    """A machine of `cpus` CPUs of one model; its methods add what runs on it.

    `fixes` says which fixes the kernel has (see `kernel.fixes`), `mutant` which line of it was changed (`kernel.mutants`). With
    `softirq` the kernel has a softirq that does that; with `vmalloc_fails` each allocation may fail. With `pkru` it has
    protection keys, and switches PKRU with the task; without, no task may write PKRU.
    """

    model = "Linux 6.12.117"

    def __init__(
        self,
        cpus: int = 1,
        cpu: CpuName = "sapphire_rapids",
        xfd_err: XfdErr = "load",
        xfd_set: XfdSetting = "implied",
        tracking: Tracking = "recorded",
        *,
        fixes: str = "shipped",
        mutant: str = "",
        softirq: Behaviour | None = None,
        vmalloc_fails: bool = False,
        pkru: bool = False,
    ) -> None:
        super().__init__()
        self.cpu_model: CpuModel = cpu_model(cpu, xfd_err, xfd_set, tracking)
        if not self.cpu_model.xfd_capable:
            raise VmraceError(f"{cpu} has no XFD-capable component, so there is nothing to ask of it here")
        if cpus < 1:
            raise ModelError(f"a machine of {cpus} CPUs runs nothing; give it at least 1")
        self.count = cpus
        self.processor = Processor("cpu", self.cpu_model)
        self._columns = []
        self._running = set()
        self._vcpus_run: set[str] = set()
        self.kernel = boot(
            self,
            self.cpu_model,
            cpus,
            softirq=softirq,
            do_signal=arch_do_signal_or_restart,
            vmalloc_fails=vmalloc_fails,
            ospke=pkru,
            without=missing(fixes),
            mutant=check_mutant(mutant),
        )
        for number in range(cpus):
            self._add_idle(number)

    def _add_idle(self, number: int) -> None:
        task = Task(idle(number), idle=True)
        add_kernel_thread(self, self.kernel, task)
        self.program(do_idle, self._host_cpu(task), name=task.name, background=True)
        x = XState(xcr0=self.cpu_model.xcr0, xfd=self.cpu_model.xfd_capable)
        if self.kernel.ospke:
            x = x.loaded(Component.PKRU, INIT_PKRU.to_bytes(8, "little"))
        self.cell(cpu_cell(number), CpuState((Frame(task.program, Kind.TASK),), x))
        self.cell(task.program.placement, Placement(number))

    # What runs on it.

    def host_task(
        self,
        code: Behaviour,
        *args: Any,
        cpu: int = 0,
        perm: int = 0,
        buffer: int = 0,
        name: str | None = None,
        long_mode: bool = True,
        sigaction: Sigaction | None = None,
        leader: Program | None = None,
        loaded: bool = True,
    ) -> Program:
        """Add a user task that runs `code(cpu, *args)`, in compatibility mode unless `long_mode`.

        `perm` is its permission for dynamic features, `buffer` those that its fpstate has room for already (masks);
        `sigaction` is what it wants done with a signal. With a `leader`, a task that has `permissions`, it is a thread of that
        one's process, whose permission it shares. The first task of a CPU begins there, in the kernel on its way to user mode,
        with its state in the registers, or in memory alone unless `loaded`.
        """
        self._check_features("perm", perm)
        self._check_features("buffer", buffer)
        user = Ring.USER if long_mode else Ring.USER32
        task = Task(Program(name or code.__name__), leader, sigaction=sigaction)
        if leader is not None:
            self._thread_of(leader, task)
        return self._add_task(user_task, (code, args), cpu, task, perm, buffer, user, loaded=loaded)

    def user_area(self, name: str, *, address: int | None = None) -> MemoryOperand:
        """Add an XSAVE area in user memory, empty and mapped, and return it as an operand.

        Its `pages` is a cell: whoever stores UNMAPPED, WRITE_PROTECTED or other Pages there makes accesses to it #PF.
        """
        area = MemoryOperand(Cell(name), Cell(f"pages of {name}"), address)
        self.cell(area.area, XsaveArea())
        self.cell(Cell(f"pages of {name}"), Pages())
        return area

    def guest(
        self,
        code: Behaviour,
        *args: Any,
        dynamic_features: int = 0,
        exception: Behaviour = guest_exception,
        name: str | None = None,
        cpu: int = 0,
    ) -> Vcpu:
        """Add a guest of one vCPU that runs `code(cpu, *args)` on a kernel with that exception handler.

        `dynamic_features` are those of its configuration (mask).
        """
        self.model = "the 2021 mail's design"
        handle = self.program(code, GuestCpu(self.processor, exception), *args, name=name)
        vcpu = Vcpu(handle.name, handle, dynamic_features)
        self.cell(handle.placement, Placement())
        self.cell(vcpu.vmx.vmcs, Vmcs(Frame(handle, Kind.GUEST, vcpu=vcpu.name)))
        self.cell(vcpu.vmx.guest_msrs, MsrArea())
        self.cell(vcpu.vmx.host_msrs, MsrArea())
        self.cell(vcpu.xfd, 0)
        self.cell(vcpu.xfd_err, 0)
        self._columns.append(Column(handle.name, f"CPU {cpu}"))
        return vcpu

    def vcpu_thread(
        self, vcpu: Vcpu, swap: Swap, *, cpu: int = 0, window: Window = "closed", name: str | None = None
    ) -> Program:
        """Add the thread that runs `vcpu`; its fpstate may use what the guest's configuration has, as the mail wants.

        Raises ModelError for a second one: KVM_RUN holds vcpu->mutex, so two threads are never inside it for one vCPU.
        """
        if vcpu.name in self._vcpus_run:
            raise ModelError(
                f"{vcpu.name} is run by a thread already, and KVM_RUN holds vcpu->mutex; one thread a vCPU"
            )
        task = Task(Program(name or f"{vcpu.guest.name}-vcpu"))
        features = vcpu.dynamic_features
        thread = self._add_task(vcpu_thread, (vcpu, swap, window), cpu, task, features, features)
        self._vcpus_run.add(vcpu.name)
        if swap.msr_lists:
            xfd = self.kernel.dynamic & ~features
            self.cells[vcpu.vmx.guest_msrs] = MsrArea((MsrEntry(Msr.XFD, 0), MsrEntry(Msr.XFD_ERR, 0)))
            self.cells[vcpu.vmx.host_msrs] = MsrArea((MsrEntry(Msr.XFD, xfd), MsrEntry(Msr.XFD_ERR, 0)))
        return thread

    def _add_task(
        self,
        body: Behaviour,
        args: tuple[Any, ...],
        cpu: int,
        task: Task,
        perm: int,
        buffer: int,
        user: Ring = Ring.USER,
        *,
        loaded: bool = True,
    ) -> Program:
        self._check_cpu(cpu)
        handle = task.program
        self.users.append(task)
        xfd = add_user_state(self, self.cpu_model, self.kernel, task, perm=perm, buffer=buffer)
        saved = (Saved(user, True),)
        if cpu in self._running:
            self._wait_on(cpu, task, body, args, saved)
        else:
            self.program(body, self._host_cpu(task), *args, name=task.name)
            self._take_cpu(cpu, Frame(handle, Kind.TASK, saved=saved))
            if loaded:
                self._load_state(cpu, task, xfd)
        column = Column(task.name, f"CPU {cpu}")
        guest = next(
            (at for at, one in enumerate(self._columns) if args and _runs(args[0], one)), len(self._columns)
        )
        self._columns.insert(guest, column)
        return handle

    def _load_state(self, cpu: int, task: Task, xfd: int) -> None:
        """A CPU's first task begins with its state in the registers: it is their owner."""
        state: CpuState = self.cells[cpu_cell(cpu)]
        x = msgspec.structs.replace(state.x, xfd=xfd)
        self.cells[cpu_cell(cpu)] = msgspec.structs.replace(state, x=x)
        self.cells[task.flags.cell] ^= Flags.TIF_NEED_FPU_LOAD
        self.cells[task.last_cpu.cell] = cpu
        self._set_per_cpu(self.kernel.xfd_state, cpu, xfd)
        self._set_per_cpu(self.kernel.owner, cpu, task.program)

    # What must hold.

    def always(
        self,
        name: str,
        predicate: Predicate,
        *reads: Any,
        at: Predicate | None = None,
        kind: ConditionKind = "symptom",
        words: str = "",
        after: Iterable[Program] = (),
    ) -> None:
        """As World.always; without cells to read, one condition for each CPU, of its state."""
        programs = tuple(after)
        if reads:
            super().always(name, predicate, *reads, at=at, kind=kind, words=words, after=programs)
            return
        for number in range(self.count):
            full = name if self.count == 1 else f"{name} (CPU {number})"
            super().always(full, predicate, cpu_cell(number), at=at, kind=kind, words=words, after=programs)

    def event(self, program: str, message: Any, before: Mapping[Cell, Any]) -> str:
        """Return the class of event that a step is: an interrupt when it arrives, a move of the load balancer."""
        return event_of(message, self.sources.get(program, ""), program, before)

    # What a person sees.

    def columns(self) -> tuple[Column, ...]:
        """The contexts, under the CPU that they start on."""
        idle = [Column(f"idle{number}", f"CPU {number}") for number in range(self.count)]
        return tuple(sorted((*self._columns, *idle), key=lambda column: column.group or "~"))

    def bounds(self) -> str:
        """CPUs and budgets."""
        cpus = "1 CPU" if self.count == 1 else f"{self.count} CPUs"
        return ", ".join([cpus, super().bounds()]) if self.budgets else cpus

    def annotate(
        self, step: Step, message: Any, reply: Any, before: Mapping[Cell, Any], after: Mapping[Cell, Any]
    ) -> Step:
        """Tell the step in the words of a CPU; see `narration`."""
        told = annotate(step, message, reply, before, after, self.kernel)
        return told_as(told, message, self.sources.get(step.program, ""))


def _runs(vcpu: Any, column: Column) -> bool:
    """Say whether a column is that of a vCPU's guest: its thread stands left of it."""
    return isinstance(vcpu, Vcpu) and vcpu.guest.name == column.name
