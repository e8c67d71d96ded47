"""Sources of interrupts: each class of event has its own, with its own budget, so that a report can say which a race needs."""

from actors.machine.state import Placement
from actors.runtime.errors import ModelError
from actors.runtime.program import Behaviour
from actors.system.adding.base import Building
from actors.system.entry.interrupts import (
    device_interrupt,
    fpu_interrupt,
    interrupt_source,
    timer_interrupt,
)
from actors.system.entry.ipi import ipi_source
from actors.system.entry.nmi import do_machine_check, mce_source, nmi_source, perf_event_nmi_handler
from actors.system.sched.smp import call_single_queue, cpu_online, csd_flags, request


class Interrupts(Building):
    """The part of the builder that adds interrupts."""

    def interrupts(
        self,
        cpu: int = 0,
        *,
        external: int = 0,
        softirq: int = 0,
        preemption: int = 0,
        fpu: int = 0,
        nmi: int = 0,
        mce: int = 0,
        ipi: int = 0,
        nmi_handler: Behaviour = perf_event_nmi_handler,
        machine_check: Behaviour = do_machine_check,
    ) -> None:
        """Add sources of at most so many events on a CPU; raises ModelError for a softirq that the kernel does not have.

        `external` interrupts ask for a reschedule, as the timer does, and so do those of class `preemption`, which do nothing
        else; `softirq` are those that raise the kernel's softirq, `fpu` those whose handler uses vector registers itself where
        irq_fpu_usable() allows it. `nmi` and `mce` come whatever IF is; their handlers are `nmi_handler` and `machine_check`.
        `ipi` interprocessor interrupts are served: see `sched.smp` for who asks for them.
        """
        self._check_cpu(cpu)
        if softirq and self.kernel.softirq is None:
            raise ModelError("this machine's kernel has no softirq; say what it does: Machine(softirq=...)")
        for kind, handler, event, budget in (
            ("irq", timer_interrupt, "external interrupt", external),
            ("softirq", device_interrupt, "softirq", softirq),
            ("timer", timer_interrupt, "preemption", preemption),
            ("fpuirq", fpu_interrupt, "FPU interrupt", fpu),
        ):
            if budget:
                self._interrupt_source(cpu, kind, handler, event, budget)
        if nmi:
            self._event_source(nmi_source, nmi_handler, cpu=cpu, kind="nmi", event="NMI", budget=nmi)
        if mce:
            self._event_source(mce_source, machine_check, cpu=cpu, kind="mce", event="#MC", budget=mce)
        if ipi:
            self._interprocessor_interrupts(cpu, ipi)

    def _interrupt_source(self, cpu: int, kind: str, handler: Behaviour, event: str, budget: int) -> None:
        self._event_source(interrupt_source, handler, cpu=cpu, kind=kind, event=event, budget=budget)

    def _event_source(
        self, source: Behaviour, what: object, *, cpu: int, kind: str, event: str, budget: int
    ) -> None:
        name = f"{kind}{cpu}"
        held = self._host_cpu(None)
        handle = self.source(source, held, what, budget, event=event, budget=budget, name=name)
        self.cell(handle.placement, Placement(cpu))
        self._column(name, cpu)

    def _interprocessor_interrupts(self, cpu: int, budget: int) -> None:
        if self.count == 1:
            raise ModelError("IPIs go from one CPU to another, and this machine has 1")
        if cpu_online(cpu).cell in self.cells:
            raise ModelError(f"say interrupts({cpu}, ipi=...) before hotplug({cpu}), and once")
        self._event_source(ipi_source, request(cpu).cell, cpu=cpu, kind="ipi", event="IPI", budget=budget)
        for variable, initial in ((call_single_queue(cpu), ()), (request(cpu), False)):
            self.cell(variable.cell, initial)
        self.cell(cpu_online(cpu).cell, True)
        for other in range(self.count):
            if other != cpu:
                self.cell(csd_flags(other, cpu).cell, False)
