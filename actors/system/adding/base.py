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

    def _idles_by(self, cpu: int, body: Behaviour, *args: Any) -> None:
        """Let the idle task of a CPU run `body`."""
        at = next(n for n, spec in enumerate(self.programs) if spec.handle == idle(cpu))
        held = self._host_cpu(Task(idle(cpu), idle=True))
        self.programs[at] = msgspec.structs.replace(self.programs[at], function=body, args=(held, *args))

    def _wait_on(
        self, cpu: int, task: Task, body: Behaviour, args: tuple[Any, ...], saved: tuple[Saved, ...]
    ) -> None:
        """Put a new task on a CPU's run queue: it begins behind somebody's switch_to."""
        self.program(ret_from_fork, self._host_cpu(task), body, args, name=task.name)
        self.cell(task.program.placement, Placement(None, Frame(task.program, Kind.TASK, saved=saved)))
        queue = self._queue(cpu)
        self.cells[queue.cell] = (*self.cells[queue.cell], task.program)
