"""What every part of the builder stands on: the world with its CPUs, and how a program gets hold of one."""

from typing import Any

import msgspec

from actors.machine.model import CpuModel
from actors.machine.processor import PerCpu, Processor
from actors.machine.state import Frame, Kind, Placement, Saved
from actors.runtime import RunQueue, World
from actors.runtime.errors import ModelError
from actors.runtime.program import Behaviour
from actors.system.boot import idle
from actors.system.entry.common import irqentry_exit
from actors.system.entry.traps import exception
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Kernel, Task
from actors.system.sched.idle import do_idle
from actors.system.tasks import ret_from_fork
from protocol.records import Column


class Building(World):
    """A world with CPUs that is being built; `Machine` is what makes it."""

    cpu_model: CpuModel
    count: int
    processor: Processor
    kernel: Kernel
    users: list[Task]
    """The tasks that have user state."""
    _columns: list[Column]
    _running: set[int]
    _reached: dict[int, tuple[Behaviour, tuple[Any, ...]]]
    """What the idle task of a CPU runs that others reach while it idles, by IPI or hotplug."""

    def _host_cpu(self, task: Task | None) -> HostCpu:
        return HostCpu(self.processor, self.kernel, task, exception, irqentry_exit)

    def _check_cpu(self, cpu: int) -> None:
        if not 0 <= cpu < self.count:
            raise ModelError(f"there is no CPU {cpu}; this machine has {self.count}, counted from 0")

    def _column(self, program: str, cpu: int | None = None) -> None:
        self._columns.append(Column(program, "" if cpu is None else f"CPU {cpu}"))

    def _queue(self, cpu: int) -> RunQueue:
        queue: RunQueue = self.kernel.runqueue.each[cpu]  # type: ignore[assignment]  # made by boot
        return queue

    def _set_per_cpu(self, variable: PerCpu, cpu: int, value: Any) -> None:
        mine: Any = variable.each[cpu]
        self.cells[mine.cell] = value

    def _reach_idle(self, cpu: int, body: Behaviour | None = None, *args: Any) -> None:
        """Let others reach a CPU while it idles: its idle task runs `body`, if given, and interrupts are on from its first step.

        One that begins behind another task's switch_to has to enable them, as a forked task does.
        """
        if body is not None or cpu not in self._reached:
            self._reached[cpu] = (body or do_idle, args)
        at = next(n for n, spec in enumerate(self.programs) if spec.handle == idle(cpu))
        function, state = self._reached[cpu]
        held = self._host_cpu(Task(idle(cpu), idle=True))
        if cpu in self._running:
            function, state = ret_from_fork, (function, state)
        self.programs[at] = msgspec.structs.replace(self.programs[at], function=function, args=(held, *state))

    def _wait_on(
        self, cpu: int, task: Task, body: Behaviour, args: tuple[Any, ...], saved: tuple[Saved, ...]
    ) -> None:
        """Put a new task on a CPU's run queue: it begins behind somebody's switch_to."""
        self.program(ret_from_fork, self._host_cpu(task), body, args, name=task.name)
        self.cell(task.program.placement, Placement(None, Frame(task.program, Kind.TASK, saved=saved)))
        queue = self._queue(cpu)
        self.cells[queue.cell] = (*self.cells[queue.cell], task.program)
