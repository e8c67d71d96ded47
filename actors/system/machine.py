"""Machine: a world of CPUs, host tasks, guests and interrupts, booted and ready.

The first task that is put on a CPU runs there from the start; others wait in its run queue. Each CPU has an idle task. The
kernel has enabled all that XCR0 supports, and armed XFD for every dynamic feature, as default_xfd says.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from actors.machine.handle import Cpu
from actors.machine.model import CpuModel, CpuName, Tracking, XfdErr, XfdSetting, cpu_model
from actors.machine.processor import PerCpu, Processor
from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, Vmcs, cpu_cell
from actors.machine.xstate.components import COMPACTED, HYPOTHETICAL, TILES
from actors.machine.xstate.registers import XState
from actors.runtime import RunQueue, Variable, World
from actors.runtime.conditions import Predicate
from actors.runtime.errors import ModelError, VmraceError
from actors.runtime.program import Behaviour
from actors.system.guest import guest_exception
from actors.system.guest_cpu import GuestCpu
from actors.system.host_cpu import HostCpu
from actors.system.interrupts import LoadBalancer, external_interrupt, migration
from actors.system.kernel import Fpstate, Kernel, Task
from actors.system.kvm import Swap, Vcpu, Window, vcpu_thread
from actors.system.narration import annotate, event_of
from actors.system.sched import do_idle, irqentry_exit, ret_from_fork
from actors.system.tasks import user_task
from actors.system.traps import exception as host_exception
from protocol.handles import Cell, Program
from protocol.instructions import MemoryOperand, MsrArea, MsrEntry, Pages, XsaveArea
from protocol.records import Column, Step
from protocol.records import Kind as ConditionKind
from protocol.registers import Msr


class Machine(World):
    """A machine of `cpus` CPUs of one model; its methods add what runs on it."""

    model = "the 2021 mail's design"

    def __init__(
        self,
        cpus: int = 1,
        cpu: CpuName = "sapphire_rapids",
        xfd_err: XfdErr = "load",
        xfd_set: XfdSetting = "implied",
        tracking: Tracking = "recorded",
    ) -> None:
        super().__init__()
        self.cpu_model: CpuModel = cpu_model(cpu, xfd_err, xfd_set, tracking)
        if not self.cpu_model.xfd_capable:
            raise VmraceError(f"{cpu} has no XFD-capable component, so there is nothing to ask of it here")
        if cpus < 1:
            raise ModelError(f"a machine of {cpus} CPUs runs nothing; give it at least 1")
        self.count = cpus
        self.processor = Processor("cpu", self.cpu_model)
        self._columns: list[Column] = []
        self._running: set[int] = set()
        self._vcpus_run: set[str] = set()
        self.kernel = self._boot()
        for number in range(cpus):
            self._add_idle(number)

    # Boot.

    def _boot(self) -> Kernel:
        return Kernel(
            runqueue=self._per_cpu("runqueue", queue=True),
            idle=self._per_cpu("idle_task", None),
            need_resched=self._per_cpu("need_resched", False),
            preempt_count=self._per_cpu("preempt_count", 0),
            xfd_state=self._per_cpu("xfd_state", self.cpu_model.xfd_capable),
            features=self.cpu_model.xcr0 & (TILES | HYPOTHETICAL),
            dynamic=self.cpu_model.xfd_capable,
        )

    def _per_cpu(self, name: str, initial: Any = None, *, queue: bool = False) -> PerCpu:
        def one(number: int) -> RunQueue | Variable[Any]:
            full = f"cpu{number}.{name}"
            return self.run_queue(full) if queue else self.variable(full, initial)

        return PerCpu(name, tuple(one(number) for number in range(self.count)))

    def _add_idle(self, number: int) -> None:
        handle = Program(f"idle{number}")
        self.program(
            do_idle,
            self._host_cpu(Task(handle, Fpstate(handle.name), kthread=True)),
            name=handle.name,
            background=True,
        )
        frame = Frame(handle, Kind.TASK)
        x = XState(xcr0=self.cpu_model.xcr0, xfd=self.cpu_model.xfd_capable)
        self.cell(cpu_cell(number), CpuState((frame,), x))
        self.cell(handle.placement, Placement(number))
        idle: Variable[Any] = self.kernel.idle.each[number]  # type: ignore[assignment]  # made by _per_cpu
        self.cells[idle.cell] = handle

    def _host_cpu(self, task: Task) -> HostCpu:
        return HostCpu(self.processor, self.kernel, task, host_exception, irqentry_exit)

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
    ) -> Program:
        """Add a user task that runs `code(cpu, *args)`, in compatibility mode unless `long_mode`.

        `perm` is its permission for dynamic features, `buffer` those that its fpstate has room for already (masks).
        """
        xfd = self.cpu_model.xfd_capable & ~buffer
        user = Ring.USER if long_mode else Ring.USER32
        return self._add_task(user_task, (code, args), cpu, name or code.__name__, perm, xfd, user)

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
        xfd = self.cpu_model.xfd_capable & ~vcpu.dynamic_features
        thread = self._add_task(
            vcpu_thread,
            (vcpu, swap, window),
            cpu,
            name or f"{vcpu.guest.name}-vcpu",
            vcpu.dynamic_features,
            xfd,
        )
        self._vcpus_run.add(vcpu.name)
        if swap.msr_lists:
            self.cells[vcpu.vmx.guest_msrs] = MsrArea((MsrEntry(Msr.XFD, 0), MsrEntry(Msr.XFD_ERR, 0)))
            self.cells[vcpu.vmx.host_msrs] = MsrArea((MsrEntry(Msr.XFD, xfd), MsrEntry(Msr.XFD_ERR, 0)))
        return thread

    def _add_task(
        self,
        body: Behaviour,
        args: tuple[Any, ...],
        cpu: int,
        name: str,
        perm: int,
        xfd: int,
        user: Ring = Ring.USER,
    ) -> Program:
        self._check_cpu(cpu)
        handle = Program(name)
        task = Task(handle, Fpstate(name), perm)
        self.cell(task.fpstate.xfd, xfd)
        self.cell(task.fpstate.regs, XsaveArea(0, COMPACTED | self.kernel.features))
        held = self._host_cpu(task)
        frame = Frame(handle, Kind.TASK, saved=(Saved(user, True),))
        if cpu in self._running:
            self.program(ret_from_fork, held, body, args, name=name)
            self.cell(handle.placement, Placement(None, frame))
            queue: RunQueue = self.kernel.runqueue.each[cpu]  # type: ignore[assignment]  # made by _per_cpu
            self.cells[queue.cell] = (*self.cells[queue.cell], handle)
        else:
            self.program(body, held, *args, name=name)
            self._start_on(cpu, handle, frame, xfd)
        column = Column(name, f"CPU {cpu}")
        guest = next(
            (at for at, one in enumerate(self._columns) if args and _runs(args[0], one)), len(self._columns)
        )
        self._columns.insert(guest, column)
        return handle

    def _start_on(self, cpu: int, handle: Program, frame: Frame, xfd: int) -> None:
        """Put a CPU's first task in the place of the idle task, with its XFD loaded."""
        self._running.add(cpu)
        state: CpuState = self.cells[cpu_cell(cpu)]
        idle = state.top
        x = msgspec.structs.replace(state.x, xfd=xfd)
        self.cells[cpu_cell(cpu)] = msgspec.structs.replace(state, frames=(frame,), x=x)
        self.cells[idle.program.placement] = Placement(None, idle)
        xfd_state: Variable[Any] = self.kernel.xfd_state.each[cpu]  # type: ignore[assignment]  # made by _per_cpu
        self.cells[xfd_state.cell] = xfd
        self.cell(handle.placement, Placement(cpu))

    def interrupts(self, cpu: int = 0, *, external: int = 1) -> None:
        """Add a source of at most so many external interrupts on a CPU."""
        self._check_cpu(cpu)
        name = f"irq{cpu}"
        handle = self.source(
            external_interrupt,
            Cpu(self.processor),
            self.kernel,
            external,
            event="external interrupt",
            budget=external,
            name=name,
        )
        self.cell(handle.placement, Placement(cpu))
        self._columns.append(Column(name, f"CPU {cpu}"))

    def migrations(self, task: Program, *, to: int, count: int = 1, source: int = 0) -> None:
        """Let the load balancer move `task` from one CPU's run queue to another's, at most so often."""
        self._check_cpu(to)
        self._check_cpu(source)
        origin: RunQueue = self.kernel.runqueue.each[source]  # type: ignore[assignment]  # made by _per_cpu
        target: RunQueue = self.kernel.runqueue.each[to]  # type: ignore[assignment]  # made by _per_cpu
        balancer = LoadBalancer("load balancer", origin)
        self.source(
            migration,
            balancer,
            target.cell,
            (task,),
            count,
            event="migration",
            budget=count,
            name="migration",
        )
        self._columns.append(Column("migration"))

    def _check_cpu(self, cpu: int) -> None:
        if not 0 <= cpu < self.count:
            raise ModelError(f"there is no CPU {cpu}; this machine has {self.count}, counted from 0")

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
        return event_of(message, program, before)

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
        return annotate(step, message, reply, before, after, self.kernel)


def _runs(vcpu: Any, column: Column) -> bool:
    """Say whether a column is that of a vCPU's guest: its thread stands left of it."""
    return isinstance(vcpu, Vcpu) and vcpu.guest.name == column.name
