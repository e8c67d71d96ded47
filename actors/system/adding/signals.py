"""Signals, the user memory that their frames are in, and tracing."""

from actors.machine.state import Placement
from actors.machine.xstate.components import bits
from actors.machine.xstate.layout import standard_size
from actors.runtime.errors import ModelError
from actors.system.adding.base import Building
from actors.system.kernel.data import Task
from actors.system.kernel.mm import MAPPED, Prot, UserArea
from actors.system.signals.ptrace import RUNNING
from actors.system.signals.sources import quiet_signal_source, reclaim, sibling, signal_source
from protocol.areas import XsaveArea
from protocol.handles import Program


class Signals(Building):
    """The part of the builder that adds what signals and tracing need."""

    def user_frame(
        self,
        name: str,
        contents: XsaveArea | None = None,
        *,
        xfeatures: int | None = None,
        page: int = 0,
        size: int | None = None,
        prot: Prot = MAPPED,
        resident: bool = True,
    ) -> UserArea:
        """Add an area in user memory: what is in it, what its sw_reserved.xfeatures says, what it allows.

        A frame with contents says that it has all components, unless told otherwise, and an empty one none.
        `page` is where in it the page begins that can go away, `size` is how large it is (bytes): not told, it has room
        for all that the kernel manages, as for who asks AT_MINSIGSTKSZ. One that is not `resident` is mapped, and has to be
        brought in by a page fault.
        """
        largest = standard_size(self.cpu_model.description, bits(self.kernel.features))
        area = UserArea(name, page, largest if size is None else size)
        self.cell(area.area, contents or XsaveArea())
        self.cell(area.pages, area.mapped(prot if resident else Prot.NONE))
        self.cell(area.vma, prot)
        says = self.kernel.features if contents else 0
        self.cell(area.sw_bytes, says if xfeatures is None else xfeatures)
        return area

    def signals(self, task: Program, *, count: int = 1, cpu: int | None = 0) -> None:
        """Let other processes send a task at most so many signals; an IPI tells `cpu`, where it runs (None: no IPI)."""
        name, event, target = f"kill {task.name}", "signal", Task(task)
        if cpu is None:
            self.source(quiet_signal_source, target, count, event=event, budget=count, name=name)
            self._column(name)
            return
        held = self._host_cpu(None)
        handle = self.source(signal_source, held, target, count, event=event, budget=count, name=name)
        self.cell(handle.placement, Placement(cpu))
        self._column(name, cpu)

    def sibling(self, area: UserArea, prot: Prot = Prot.NONE, *, name: str = "sibling") -> Program:
        """Let another thread of the area's process, on a CPU of its own, unmap it once, or allow less."""
        event = "mprotect" if prot else "munmap"
        self._column(name)
        return self.source(sibling, area, prot, event=event, budget=1, name=name)

    def reclaims(self, area: UserArea, *, count: int = 1) -> Program:
        """Let the kernel take the area's page away, so many times; a page fault brings it back."""
        self._column("kswapd")
        return self.source(reclaim, area, count, event="reclaim", budget=count, name="kswapd")

    def traced(self, task: Program) -> Task:
        """Let a task be traced, and return what its tracer needs to know of it."""
        found = Task(task)
        if found.flags.cell not in self.cells:
            raise ModelError(f"{task.name} is no task of this machine, so nobody can trace it")
        self.cell(found.state.cell, RUNNING)
        return found
