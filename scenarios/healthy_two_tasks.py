"""Two user tasks and everything that may come between them: what the kernel owes to them, and to which of its lines."""

from typing import Literal

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import is_set, not_false, runs_on_other, unset
from actors.system.invariants.happened import FoundValid, off_cpu_with_registers, reallocated
from actors.system.kernel.data import Task
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import use_fpu
from protocol.handles import Program

A, B = 0xAAAA_AAAA_AAAA_AAAA, 0xBBBB_BBBB_BBBB_BBBB
TILE = b"\xb1" * 1024


def expects(machine: Machine, task: Program) -> None:
    """Say what a task wants of the kernel: its values, and its life; and that it was preempted with its state in registers."""
    machine.always(
        f"{task.name} finds its values",
        not_false,
        task.label("found"),
        words=f"{task.name}: registers are not what they were",
    )
    machine.always(f"{task.name} is not killed", unset, task.label("signal"), words=f"{task.name}: killed")


def guards(machine: Machine, tasks: tuple[Program, ...], *, timer: int, softirq: int, cpu: int = 0) -> None:
    """Say what must have happened, for a proof to be worth something: by the sources that there are."""
    kernel = machine.kernel
    for place, task in enumerate(map(Task, tasks)):
        if timer > place:
            machine.sometimes(
                f"{task.name} is preempted with its state in registers",
                off_cpu_with_registers,
                task.program.placement,
                task.flags,
            )
    if timer + softirq > 1:
        first = Task(tasks[0])
        reads = (cpu_cell(0), kernel.owner.each[0], first.flags, first.last_cpu)
        machine.sometimes(f"{first.name} finds its registers valid", FoundValid(first, 0), *reads)
    if softirq:
        label = Program(f"softirq{cpu}").label("xsaves")
        machine.sometimes("a softirq saves a task's live registers", is_set, label)


@scenario(cases=[
case(expect="proved"),
case(expect="violated", mutant="owner_kept"),
])
def healthy_two_tasks(
    cpus: Literal[1, 2] = 1,
    amx: bool = True,
    timer: int = 1,
    softirq: int = 1,
    mutant: str = "",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Do two tasks keep their registers?

    """
    machine = Machine(
        cpus, cpu, xfd_err, xfd_set, tracking, softirq=use_fpu if softirq else None, mutant=mutant
    )
    a = machine.host_task(vector_task, A, name="A")
    if amx:
        b = machine.host_task(tile_task, B, TILE, perm=TILEDATA, name="B")
        machine.secret(b, TILE)
    else:
        b = machine.host_task(vector_task, B, name="B")
    machine.secret(a, A)
    machine.secret(b, B)
    machine.interrupts(0, external=timer, softirq=softirq if cpus == 1 else 0)
    if cpus > 1:
        machine.interrupts(1, softirq=softirq)
        machine.migrations(a, to=1)
        machine.sometimes("A runs on another CPU", runs_on_other, a.placement)
    for task in (a, b):
        expects(machine, task)
    guards(machine, (a, b), timer=timer, softirq=softirq, cpu=cpus - 1)
    if amx:
        machine.sometimes("B's #NM gets it a larger fpstate", reallocated, Task(b).fpstate)
    machine.invariants()
    return machine
