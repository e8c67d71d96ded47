"""The XFD_ERR leak reduced to its bones, one message a line, as other tools have it: a yardstick for proofs."""

from enum import Enum
from typing import Annotated, Any

import msgspec

from actors.runtime import (
    Cell,
    Device,
    Footprint,
    Lock,
    Outcome,
    Outcomes,
    Program,
    Read,
    Values,
    Variable,
    World,
    become,
    case,
    scenario,
    set_label,
)

GUEST_BIT, TASK_BIT = 1, 2


class Mode(Enum):
    """Who owns the CPU."""

    GUEST = "guest"
    EXIT = "exit"
    TASK = "task"
    ENTER = "enter"
    DONE = "done"


class Registers(msgspec.Struct, frozen=True, cache_hash=True):
    """One CPU: its owner, XFD (one bit) and XFD_ERR (a bit of the guest's, one of the task's)."""

    mode: Mode = Mode.GUEST
    xfd: int = 1
    err: int = 0


class Line(msgspec.Struct, frozen=True):
    """One numbered line; `value` is the operand of those that write a register."""

    name: str
    value: int = 0


def _set(**fields: Any) -> Any:
    return lambda registers, _: (msgspec.structs.replace(registers, **fields), None)


LINES: dict[str, tuple[Mode, Any]] = {
    "G1": (Mode.GUEST, lambda r, _: (msgspec.structs.replace(r, err=r.err | GUEST_BIT), None)),
    "G2": (Mode.GUEST, _set()),
    "G3": (Mode.GUEST, _set(err=0)),
    "G4": (Mode.GUEST, _set(xfd=0)),
    "G5": (Mode.GUEST, _set()),
    "G6": (Mode.GUEST, _set()),
    "G7": (Mode.GUEST, _set()),
    "G8": (Mode.GUEST, _set()),
    "G9": (Mode.GUEST, _set(mode=Mode.DONE)),
    "exit": (Mode.GUEST, _set(mode=Mode.EXIT)),
    "ge = ERR": (Mode.EXIT, lambda r, _: (r, r.err)),
    "gx = XFD": (Mode.EXIT, lambda r, _: (r, r.xfd)),
    "ERR = 0": (Mode.EXIT, _set(err=0)),
    "XFD = 0": (Mode.EXIT, _set(xfd=0)),
    "T1": (Mode.TASK, lambda r, _: (msgspec.structs.replace(r, xfd=1, err=r.err | TASK_BIT), None)),
    "T2": (Mode.TASK, _set()),
    "T3": (Mode.TASK, _set(err=0, xfd=0)),
    "T3, back": (Mode.TASK, _set(err=0, xfd=0, mode=Mode.ENTER)),
    "XFD = gx": (Mode.ENTER, lambda r, value: (msgspec.structs.replace(r, xfd=value), None)),
    "ERR = ge": (Mode.ENTER, lambda r, value: (msgspec.structs.replace(r, err=value), None)),
    "enter": (Mode.ENTER, _set(mode=Mode.GUEST)),
}
"""Who must own the CPU, and what the line does to it and replies."""


class PhysicalCpu(Device, frozen=True):
    """A CPU that executes one line at a time, for whoever owns it; `runs` counts finished runs of its task."""

    lock: Lock
    runs: Variable[int]

    @property
    def cell(self) -> Cell:
        """The CPU's registers."""
        return Cell(self.name)

    def footprint(self, sender: Program, message: Line, read: Read) -> Footprint:
        """The CPU; T7 gives the lock back and counts the run in the same step."""
        del sender, read
        cells = (self.cell, self.lock.cell, self.runs.cell) if message.name == "T7" else (self.cell,)
        return Footprint(cells, cells, self.name)

    def handle(self, sender: Program, message: Line, values: Values) -> Outcomes:
        """Do what the line says, if its owner is there."""
        del sender
        registers: Registers = values[self.cell]
        if message.name == "E5":
            return self._leave(registers)
        if message.name == "T7":
            back = msgspec.structs.replace(registers, mode=Mode.ENTER)
            counted = values[self.runs.cell] + 1
            return (
                Outcome(
                    writes=((self.cell, back), (self.lock.cell, None), (self.runs.cell, counted)),
                ),
            )
        owner, rule = LINES[message.name]
        if registers.mode is not owner:
            return ()
        after, reply = rule(registers, message.value)
        return (Outcome(reply, ((self.cell, after),)),)

    def _leave(self, registers: Registers) -> Outcomes:
        """E5: the host runs its task, or not."""
        if registers.mode is not Mode.EXIT:
            return ()
        return tuple(
            Outcome(None, ((self.cell, msgspec.structs.replace(registers, mode=mode)),), label)
            for mode, label in ((Mode.TASK, "task"), (Mode.ENTER, "no task"))
        )

    def describe(self, message: Line) -> str:
        """The line."""
        return message.name


async def guest(cpu: PhysicalCpu) -> None:
    """Take #NM, read XFD_ERR in the handler, clear it, disarm, go on."""
    await cpu.send(Line("G1"))
    set_label("reads", True)
    await cpu.send(Line("G2"))
    set_label("reads", False)
    for number in range(3, 10):
        await cpu.send(Line(f"G{number}"))


async def sched(cpu: PhysicalCpu, times: int) -> None:
    """Interrupt the guest, at most so many times."""
    for _ in range(times):
        await cpu.send(Line("exit"))


async def vcpu(cpu: PhysicalCpu, fixed: bool) -> Any:
    """Save and clear what the guest left in XFD (fixed: and XFD_ERR), and put it back before the next entry."""
    ge = await cpu.send(Line("ge = ERR")) if fixed else 0
    gx = await cpu.send(Line("gx = XFD"))
    if fixed:
        await cpu.send(Line("ERR = 0"))
    await cpu.send(Line("XFD = 0"))
    await cpu.send(Line("E5"))
    await cpu.send(Line("XFD = gx", gx))
    if fixed:
        await cpu.send(Line("ERR = ge", ge))
    await cpu.send(Line("enter"))
    return become(vcpu, cpu, fixed)


async def task(cpu: PhysicalCpu, shared: Variable[int] | None) -> Any:
    """Take #NM on the host, read XFD_ERR, clear it; with several CPUs, add one to a shared counter under a lock."""
    await cpu.send(Line("T1"))
    set_label("reads", True)
    await cpu.send(Line("T2"))
    set_label("reads", False)
    if shared is None:
        await cpu.send(Line("T3, back"))
    else:
        await cpu.send(Line("T3"))
        await cpu.lock.acquire()
        seen = await shared.load()
        await shared.store(seen + 1)
        await cpu.send(Line("T7"))
    return become(task, cpu, shared)


def guest_reads_its_bit(cpu: Registers, reads: bool | None) -> bool:
    """G2 is pending and would be executed: XFD_ERR is the guest's bit."""
    return not reads or cpu.mode is not Mode.GUEST or cpu.err == GUEST_BIT


def task_reads_its_bit(cpu: Registers, reads: bool | None) -> bool:
    """T2 is pending: XFD_ERR is the task's bit."""
    return not reads or cpu.mode is not Mode.TASK or cpu.err == TASK_BIT


def exited_while(cpu: Registers, reads: bool | None) -> bool:
    """The guest has been left between G1 and G2."""
    return cpu.mode is Mode.EXIT and bool(reads)


def counted_all(counter: int, runs: int) -> bool:
    """The counter has counted each run."""
    return counter == runs


@scenario(
    cases=[
        case(cpus=1, fixed=True, expect="proved", states=228),
        case(
            cpus=1, fixed=False, expect="violated", violated=("task0 reads its own bit",), states=34, steps=6
        ),
        case(cpus=2, fixed=True, expect="proved", states=215_568),
        case(
            cpus=2, fixed=False, expect="violated", violated=("task0 reads its own bit",), states=240, steps=6
        ),
    ],
    fix="1df4fd834e8e, ec5be88ab29f",
)
def w1(cpus: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1, fixed: bool = False) -> World:
    """Does XFD_ERR reach the one whose instruction faulted, if each line is a step?

    A guest takes #NM (G1), its handler reads XFD_ERR (G2), clears it and disarms XFD; the host may interrupt it
    twice, save and clear XFD, and run a task of its own that takes #NM and reads XFD_ERR likewise (T1, T2). Unless
    the host saves and clears XFD_ERR as well (`fixed`), one of them reads the other's bit. With two CPUs or three
    the tasks share a lock and a counter, which multiplies the orders without adding to the question: the same
    workload is written for other tools, step by step, so that the numbers of states can be compared.
    """
    world = World()
    lock, counter, runs = world.lock("L"), world.variable("counter", 0), world.variable("runs", 0)
    devices = [PhysicalCpu(f"cpu{number}", lock, runs) for number in range(cpus)]
    guests = []
    for number, cpu in enumerate(devices):
        world.cell(cpu.cell, Registers())
        running = world.program(guest, cpu, name=f"guest{number}")
        guests.append(running)
        world.source(sched, cpu, 2, event="external interrupt", budget=2, name=f"sched{number}")
        world.program(vcpu, cpu, fixed, name=f"vcpu{number}", background=True)
        shared = counter if cpus > 1 else None
        other = world.program(task, cpu, shared, name=f"task{number}", background=True)
        world.always(
            f"guest{number} reads its own bit", guest_reads_its_bit, cpu.cell, running.label("reads")
        )
        world.always(f"task{number} reads its own bit", task_reads_its_bit, cpu.cell, other.label("reads"))
        if number == 0:
            world.sometimes(
                "an exit lands inside the guest's #NM window", exited_while, cpu.cell, running.label("reads")
            )
    if cpus > 1:
        world.always("each run is counted", counted_all, counter, runs, after=guests)
    return world
