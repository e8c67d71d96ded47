"""What moves tasks from CPU to CPU, and what takes a CPU away and brings it back."""

from actors.machine.state import Frame, Kind, Placement
from actors.runtime.errors import ModelError
from actors.system.adding.base import Building
from actors.system.boot import idle
from actors.system.entry.hotplug import OnlineMask, do_idle, hotplug_source
from actors.system.entry.interrupts import LoadBalancer, migration
from actors.system.sched.smp import cpu_online, request
from protocol.handles import Cell, Program


class Moving(Building):
    """The part of the builder that adds migration and CPU hotplug."""

    def migrations(
        self, task: Program, *, to: int, count: int = 1, source: int = 0, back: bool = False
    ) -> None:
        """Let the load balancer move `task` from one CPU's run queue to another's, at most so often; with `back`, to and fro."""
        self._check_cpu(to)
        self._check_cpu(source)
        if to == source:
            raise ModelError(f"CPU {to} is where {task.name} would be moved from; say another CPU with to=")
        name = self._free_name("migration")
        ways = [self._way(source, to)] + ([self._way(to, source)] if back else [])
        self.source(migration, tuple(ways), (task,), count, event="migration", budget=count, name=name)
        self._column(name)

    def _way(self, source: int, to: int) -> tuple[LoadBalancer, Cell]:
        up = cpu_online(to).cell
        balancer = LoadBalancer("load balancer", self._queue(source), up if up in self.cells else None)
        return balancer, self._queue(to).cell

    def hotplug(self, cpu: int, count: int = 1) -> Program:
        """Let a CPU go offline and come back, at most so often, when nobody runs there or waits to; returns the source.

        Raises ModelError on a machine of one CPU, and behind `migrations`: the load balancer has to know of it.
        """
        self._check_cpu(cpu)
        if self.count == 1:
            raise ModelError("the only CPU of a machine cannot go offline; give it 2")
        if any(spec.function is migration for spec in self.programs):
            raise ModelError(
                "say hotplug() before migrations(): the load balancer must not use a CPU that is offline"
            )
        up = cpu_online(cpu).cell
        if up not in self.cells:
            self.cell(up, True)
        mask = OnlineMask(
            f"cpu_online_mask[{cpu}]",
            cpu,
            tuple(idle(number) for number in range(self.count)),
            self._queue(cpu),
            tuple(count_.cell for count_ in self.kernel.preempt_count.each),  # type: ignore[attr-defined]  # by boot
            tuple(cell for cell in (request(cpu).cell,) if cell in self.cells),
        )
        name = f"hotplug{cpu}"
        held = self._host_cpu(None)
        handle = self.source(hotplug_source, held, mask, count, event="hotplug", budget=count, name=name)
        self.cell(handle.placement, Placement(None, Frame(handle, Kind.BOOT)))
        self._column(name, cpu)
        self._idles_by(cpu, do_idle, mask, handle)
        return handle
