"""Kernel threads, the children that a task may fork, and what arch_prctl(2) needs of a process."""

from typing import Any

import msgspec

from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, cpu_cell
from actors.runtime.errors import ModelError
from actors.runtime.program import Behaviour
from actors.system.adding.base import Building
from actors.system.boot import add_kernel_thread, add_user_state
from actors.system.kernel.data import Task
from actors.system.tasks import kthread
from protocol.handles import Program


class Tasks(Building):
    """The part of the builder that adds tasks of these kinds."""

    def kernel_thread(self, code: Behaviour, *args: Any, cpu: int = 0, name: str | None = None) -> Program:
        """Add a task without user state (PF_KTHREAD) that runs `code(cpu, *args)` in kernel mode, and exits."""
        self._check_cpu(cpu)
        task = Task(Program(name or code.__name__))
        add_kernel_thread(self, self.kernel, task)
        if cpu in self._running:
            self._wait_on(cpu, task, kthread, (code, args), ())
        else:
            self.program(kthread, self._host_cpu(task), code, args, name=task.name)
            self._take_cpu(cpu, Frame(task.program, Kind.TASK))
        self._column(task.name, cpu)
        return task.program

    def _take_cpu(self, cpu: int, frame: Frame) -> None:
        """Put a CPU's first task in the place of its idle task, in code that may be preempted."""
        self._running.add(cpu)
        self._set_per_cpu(self.kernel.preempt_count, cpu, 0)
        state: CpuState = self.cells[cpu_cell(cpu)]
        resting = state.top
        self.cells[cpu_cell(cpu)] = msgspec.structs.replace(state, frames=(frame,))
        self.cells[resting.program.placement] = Placement(None, resting)
        self.cell(frame.program.placement, Placement(cpu))

    # Processes.

    def permissions(self, process: Program, *, guest: int = 0, sigaltstack: int = 0) -> None:
        """Let a process ask for permissions, fork, and call execve(2): adds what its siglock protects besides `perm`.

        `guest` is its permission for its guests' dynamic features (mask), `sigaltstack` the size of its first thread's alternate
        signal stack (bytes; 0: none). Threads of it are added behind this.
        """
        task = Task(process)
        if task.perm.cell not in self.cells:
            raise ModelError(f"{process.name} is no process of this machine: a user task that is no thread")
        self._check_features("guest", guest)
        self.cell(task.guest_perm.cell, guest)
        self.cell(task.thread_group.cell, (process,))
        self.cell(task.sas_ss_size.cell, sigaltstack)

    def child(self, parent: Program, name: str = "child", *, thread: bool = False, cpu: int = 0) -> Task:
        """Add what a child of `parent` will need, and name it `parent.name`; the parent starts it by kernel_clone().

        A `thread` shares the parent's process, which has to have `permissions`. Its column stands under `cpu`.
        """
        self._check_cpu(cpu)
        if Task(parent).guest_perm.cell not in self.cells:
            raise ModelError(f"{parent.name} cannot fork yet; give it permissions({parent.name}) first")
        task = Task(Program(f"{parent.name}.{name}"), parent if thread else None)
        add_user_state(self, self.cpu_model, self.kernel, task, perm=0, buffer=0)
        self.users.append(task)
        self.cell(task.sas_ss_size.cell, 0)
        if not thread:
            self.cell(task.guest_perm.cell, 0)
            self.cell(task.thread_group.cell, (task.program,))
        saved = (Saved(Ring.USER, True),)
        self.cell(task.program.placement, Placement(None, Frame(task.program, Kind.TASK, saved=saved)))
        self._column(task.name, cpu)
        return task

    def _thread_of(self, leader: Program, task: Task) -> None:
        """Note a thread of a process, which is there already."""
        if task.perm.cell not in self.cells or Task(leader).thread_group.cell not in self.cells:
            raise ModelError(
                f"{task.name} is a thread of {leader.name}, which has no permissions() to share; add these first"
            )
        group = task.thread_group.cell
        self.cells[group] = (*self.cells[group], task.program)
        self.cell(task.sas_ss_size.cell, 0)

    def _check_features(self, what: str, mask: int) -> None:
        if mask & ~self.kernel.dynamic:
            raise ModelError(
                f"{what}={mask:#x} names features that are not dynamic; on this CPU there are {self.kernel.dynamic:#x}"
            )
