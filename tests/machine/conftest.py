"""A CPU on the bench: its cells and no world, messages handled by hand, and every answer checked on the way.

Each message is asked for twice and has to be answered alike; `handle` is given the cells of the footprint and no others; and
what it writes has to be in the footprint. So every test on the bench is a test of these too.
"""

import msgspec
import pytest

from actors.machine.model import cpu_model
from actors.machine.processor import Processor
from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, Vmcs, Vmx, cpu_cell
from actors.machine.xstate.registers import XState
from actors.runtime import RETRY
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.schedule import Default
from protocol.handles import Cell, Program
from protocol.instructions import MsrArea, Pages, XsaveArea

TASK = Program("task")
GUEST = Program("guest")
IRQ = Program("irq")
USER = (Saved(Ring.USER, True),)


class Bench:
    """CPU 0 with a task on it, an interrupt source wired to it, a guest that waits, and some memory."""

    task, guest, irq = TASK, GUEST, IRQ
    vmx = Vmx("vcpu")
    word, area, pages = Cell("word"), Cell("area"), Cell("pages")

    def __init__(self, cpu="sapphire_rapids", *, ring=Ring.KERNEL, **choices):
        self.processor = Processor("cpu", cpu_model(cpu, **choices))
        frame = Frame(TASK, Kind.TASK, ring, () if ring.cpl else USER)
        state = CpuState((frame,), XState(xcr0=self.processor.model.xcr0))
        self.cells = {
            cpu_cell(0): state,
            TASK.placement: Placement(0),
            IRQ.placement: Placement(0),
            GUEST.placement: Placement(),
            self.vmx.vmcs: Vmcs(Frame(GUEST, Kind.GUEST, vcpu="vcpu")),
            self.vmx.guest_msrs: MsrArea(),
            self.vmx.host_msrs: MsrArea(),
            self.word: 7,
            self.area: XsaveArea(0, 1 << 63),
            self.pages: Pages(),
        }

    @property
    def cpu(self):
        return self.cells[cpu_cell(0)]

    @property
    def x(self):
        return self.cpu.x

    @property
    def vmcs(self):
        return self.cells[self.vmx.vmcs]

    def set(self, **fields):
        """Change fields of the CPU's state behind its back."""
        self.cells[cpu_cell(0)] = msgspec.structs.replace(self.cpu, **fields)
        return self

    def set_x(self, **fields):
        """Change fields of its extended state."""
        return self.set(x=msgspec.structs.replace(self.x, **fields))

    def footprint(self, message, sender=None):
        asked = []

        def read(cell):
            asked.append(cell)
            return self.cells[cell]

        found = self.processor.footprint(sender or self.cpu.top.program, message, read)
        return msgspec.structs.replace(found, reads=(*asked, *found.reads))

    def outcomes(self, message, sender=None):
        """Ask, twice, and check the answer."""
        sender = sender or self.cpu.top.program
        footprint = self.footprint(message, sender)
        values = {cell: self.cells[cell] for cell in (*footprint.reads, *footprint.writes)}
        outcomes = self.processor.handle(sender, message, dict(values))
        assert outcomes == self.processor.handle(sender, message, dict(values)), "twice the same"
        for outcome in outcomes:
            assert {cell for cell, _ in outcome.writes} <= set(footprint.writes), "within the footprint"
        return outcomes

    def enabled(self, message, sender=None):
        return bool(self.outcomes(message, sender))

    def do(self, message, sender=None, *, label=None):
        """Let it happen, with its one outcome or the one of that label, and return the reply."""
        outcomes = [one for one in self.outcomes(message, sender) if label is None or one.label == label]
        assert len(outcomes) == 1, f"{len(outcomes)} outcomes"
        self.cells.update(outcomes[0].writes)
        return outcomes[0].reply

    def retries(self, message, sender=None):
        """Let it happen, and say whether the message stays pending."""
        return self.do(message, sender) is RETRY


class Log:
    """An observer that keeps who sent what and what came of it, as (program, message, reply)."""

    def __init__(self):
        self.steps = []

    def handled(self, execution, running, before, outcome):
        del execution, before
        self.steps.append((running.name, running.pending.message, outcome.reply))

    def settled(self, execution):
        pass


@pytest.fixture(scope="session")
def bench():
    return Bench  # the class: each test, and each example of a property, makes its own


@pytest.fixture
def run():
    """Run one checked execution of a world on Trio; returns it, and its log."""

    async def run(world, chooser=None):
        log = Log()
        async with open_driver(world) as driver:
            execution = await driver.run(chooser or Default(), checked=True, observer=log, limit=500)
        return execution, log.steps

    return run
