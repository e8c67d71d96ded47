"""A user area that another CPU unmaps: the restore loads all, or faults and leaves what its CPU leaves; a save likewise."""

import pytest

from actors.machine.handle import Cpu, UnhandledFault
from actors.machine.model import cpu_model
from actors.machine.processor import Processor
from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, cpu_cell
from actors.machine.xstate.registers import XState
from actors.runtime import World, set_label
from protocol.handles import Cell
from protocol.instructions import UNMAPPED, WRITE_PROTECTED, MemoryOperand, Pages, XsaveArea

FRAME = MemoryOperand(Cell("frame"), Cell("pages of frame"), 0x7FFF_0000)
PKRU = 1 << 9
SAVED = XsaveArea(PKRU, 1 << 63 | PKRU, (576,), (b"\5".ljust(8, b"\0"),))


async def signal_return(cpu, frame):
    """As sigreturn does: restore with page faults off, and see what is left."""
    try:
        await cpu.xrstor(PKRU, frame)
    except UnhandledFault as error:
        set_label("fault", error.fault.address)
        await cpu.iret()
    set_label("pkru", await cpu.rdpkru())


async def signal_delivery(cpu, frame):
    """As setting up a signal frame does: save with page faults off, and try again once the page is there."""
    try:
        await cpu.xsave(PKRU, frame)
    except UnhandledFault as error:
        set_label("fault", error.fault.address)
        await cpu.iret()
        await cpu.store(frame.pages, Pages())
        await cpu.xsave(PKRU, frame)


async def sibling(cpu, frame, pages):
    await cpu.store(frame.pages, pages)


def two_threads(program, pages, tracking="recorded", area=SAVED):
    world = World()
    cpu = Cpu(Processor("cpu", cpu_model("sapphire_rapids", tracking=tracking)))
    world.cell(FRAME.area, area)
    world.cell(FRAME.pages, Pages())
    x = XState(xcr0=0x602E7).loaded(9, b"\7".ljust(8, b"\0"))
    threads = (program, (FRAME,), "thread"), (sibling, (FRAME, pages), "sibling")
    for number, (code, args, name) in enumerate(threads):
        handle = world.program(code, cpu, *args, name=name)
        frame = Frame(handle, Kind.TASK, saved=(Saved(Ring.USER, True),))
        world.cell(cpu_cell(number), CpuState((frame,), x))
        world.cell(handle.placement, Placement(number))
    return world


class Goes:
    """A chooser: who goes first, and which outcome a step with several has."""

    def __init__(self, first, outcome=0):
        self._first, self._outcome, self.counts = first, outcome, []

    def program(self, execution, enabled):
        del execution
        return next((at for at, one in enumerate(enabled) if one.name == self._first), 0)

    def outcome(self, execution, running, count):
        del execution, running
        self.counts.append(count)
        return self._outcome % count


@pytest.mark.trio
async def test_a_restore_before_the_page_goes_loads_it(run):
    execution, _ = await run(two_threads(signal_return, UNMAPPED), Goes("thread"))
    assert execution.running["thread"].labels == {"pkru": 5}


@pytest.mark.trio
@pytest.mark.parametrize(
    ("pages", "address"), [(UNMAPPED, 512), (Pages(absent=((576, 4096),)), 576)], ids=["header", "data"]
)
async def test_behind_it_the_recorded_cpu_faults_and_has_loaded_nothing(run, pages, address):
    execution, _ = await run(two_threads(signal_return, pages), Goes("sibling"))
    assert execution.running["thread"].labels == {"fault": 0x7FFF_0000 + address, "pkru": 7}


@pytest.mark.trio
@pytest.mark.parametrize(("outcome", "left"), [(0, 7), (1, 5)])
async def test_behind_it_the_manual_allows_that_registers_have_changed(run, outcome, left):
    pages = Pages(absent=((576, 4096),))
    chooser = Goes("sibling", outcome)
    execution, _ = await run(two_threads(signal_return, pages, "architectural"), chooser)
    assert execution.running["thread"].labels == {"fault": 0x7FFF_0000 + 576, "pkru": left}
    assert chooser.counts == [2]


@pytest.mark.trio
@pytest.mark.parametrize("pages", [UNMAPPED, WRITE_PROTECTED])
async def test_a_save_that_faults_has_written_nothing_and_succeeds_when_the_page_is_there_again(run, pages):
    world = two_threads(signal_delivery, pages, area=XsaveArea())
    execution, steps = await run(world, Goes("sibling"))
    assert execution.running["thread"].labels == {"fault": 0x7FFF_0000 + 2688}
    assert len(steps) == 5
    assert execution.cells[FRAME.area] == XsaveArea(PKRU, 0, (2688,), (b"\7".ljust(8, b"\0"),))
